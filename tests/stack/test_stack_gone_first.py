"""A run whose stack went down first ends in peace, and the next start cleans up after it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from bootcamp.errors import StackError
from bootcamp.stack import Stack
from bootcamp.stack.postgres import Admin
from bootcamp.stack.run import FRESH_SECONDS


def databases(stack: Stack) -> set[str]:
    admin = Admin(stack.endpoints.postgres_port, stack.endpoints.postgres_password)
    with admin.connect() as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_a_run_outlives_its_stack(tmp_path):
    with Stack(tmp_path) as stack:
        run = stack.isolated()
        run.__enter__()
        assert run.id in databases(stack)
    run.close()
    assert run.path.exists(), "kept for the sweep"
    old = run.path.stat().st_mtime - 2 * FRESH_SECONDS
    os.utime(run.path, (old, old))
    with Stack(tmp_path) as stack:
        assert run.id not in databases(stack)
        assert not run.path.exists()


def test_a_run_on_a_stack_that_has_stopped_ends_with_a_sentence(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        attached = Stack.attach(tmp_path)
        with attached:
            late = attached.isolated()
        assert stack.endpoints
    with pytest.raises(StackError, match="does not answer") as caught, late:
        pass
    assert "again" in str(caught.value.next_step)


def dynamodb(url: str, account: str) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        aws_access_key_id=account,
        aws_secret_access_key="local",
        region_name="us-east-1",
    )


def make_table(client: Any) -> None:
    key = {"AttributeName": "id", "AttributeType": "S"}
    client.create_table(
        TableName="jobs",
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    write_new_item(client, "before")


def write_new_item(client: Any, job: str) -> None:
    client.update_item(
        TableName="jobs",
        Key={"id": {"S": job}},
        UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": {"N": "1"}},
    )


def test_every_accounts_table_takes_new_items_after_a_restart(tmp_path: Path) -> None:
    """The first request after the restart comes from one account; the others have tables too."""
    with Stack(tmp_path) as stack:
        runs = [stack.isolated().__enter__() for _ in range(3)]  # closed too late, as above
        accounts = [run.aws_account for run in runs]
        for account in accounts:
            make_table(dynamodb(stack.endpoints.aws_url, account))
    for run in runs:
        run.close()
    with Stack(tmp_path) as stack:
        for account in reversed(accounts):
            client = dynamodb(stack.endpoints.aws_url, account)
            write_new_item(client, "after")
            assert client.scan(TableName="jobs")["Count"] == 2
