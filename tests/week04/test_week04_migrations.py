"""The jobs table: created once by migrations, also where somebody else made it or a right is missing."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
import httpx
import pytest

from bootcamp.stack import Run
from bootcamp.stack.addresses import REGION
from tests.week03.test_migrations import migrate
from tests.week04.conftest import LAYERS, document, serving, table
from tests.week04.proxy import Proxy

READY = "The stores are ready."
MADE = ["m0401_jobs: applied", "m0402_expiry: applied", READY]
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
BY_OWNER = {
    "IndexName": "by_owner",
    "KeySchema": [
        {"AttributeName": "owner", "KeyType": "HASH"},
        {"AttributeName": "created_at", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}


def lines(run: Run, **more: str) -> list[str]:
    """What a migration of week 4's layers prints of its own steps."""
    done = migrate(run, layers=LAYERS, **more)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("m03")]


def dynamodb(run: Run) -> Any:
    env = run.environment()
    session = boto3.session.Session(
        env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )
    return session.client("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"])


def made_elsewhere(run: Run, **more: Any) -> Any:
    """A table as Terraform might make it. Returns a client."""
    client = dynamodb(run)
    client.create_table(
        TableName="jobs",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in {"id": "S", "owner": "S", "created_at": "N"}.items()
        ],
        KeySchema=KEYS,
        GlobalSecondaryIndexes=[BY_OWNER],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return client


def expiry(run: Run) -> str:
    found = dynamodb(run).describe_time_to_live(TableName="jobs")["TimeToLiveDescription"]
    return str(found.get("AttributeName"))


def test_a_second_run_changes_nothing_and_asks_little(run):
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        assert lines(run, AWS_ENDPOINT_URL=proxy.url) == MADE
        assert {"CreateTable", "UpdateTimeToLive"} <= set(proxy.operations)
        proxy.operations.clear()
        assert lines(run, AWS_ENDPOINT_URL=proxy.url) == [READY]
        assert set(proxy.operations) == {"DescribeTable"}


def test_a_table_that_was_lost_is_made_again(run):
    """The record says for which table a step was applied, and this is another one."""
    assert lines(run) == MADE
    dynamodb(run).delete_table(TableName="jobs")
    assert lines(run) == MADE
    assert lines(run, JOBS_TABLE="other") == MADE
    assert lines(run) == lines(run, JOBS_TABLE="other") == [READY]


def test_a_table_made_elsewhere_gets_what_it_lacks(run):
    client = made_elsewhere(run)
    client.update_time_to_live(
        TableName="jobs",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    item = {"id": {"S": "kept"}, "owner": {"S": "me"}}
    client.put_item(TableName="jobs", Item=item)
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        assert lines(run, AWS_ENDPOINT_URL=proxy.url) == MADE
        assert not {"CreateTable", "UpdateTimeToLive"} & set(proxy.operations)
        assert proxy.operations.count("UpdateTable") == 1
    indexes = {one["IndexName"] for one in table(run).global_secondary_indexes}
    assert indexes == {"by_owner", "by_due_time"}
    assert client.get_item(TableName="jobs", Key={"id": {"S": "kept"}})["Item"] == item


def test_a_table_that_expires_by_another_attribute_is_a_warning(run):
    made_elsewhere(run).update_time_to_live(
        TableName="jobs",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"},
    )
    [_, warning, _] = lines(run)
    assert "WARNING" in warning and "attribute ttl and not by expires_at" in warning


@pytest.mark.parametrize("operation", ["DescribeTimeToLive", "UpdateTimeToLive"])
def test_a_missing_right_for_ttl_is_one_warning_and_jobs_run(run, tmp_path, operation):
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        proxy.denied = {operation}
        made, warning, ready = lines(run, AWS_ENDPOINT_URL=proxy.url)
        assert (made, ready) == (MADE[0], READY)
        assert warning.startswith("m0402_expiry: WARNING: ")
        assert f"dynamodb:{operation}" in warning
        if operation == "DescribeTimeToLive":
            with serving(run, tmp_path, AWS_ENDPOINT_URL=proxy.url) as api:
                assert api.ended(api.accepted())["status"] == "completed"
    assert lines(run) == [MADE[1], READY], "once the right is there, it is done"
    assert expiry(run) == "expires_at"


def test_no_right_to_look_at_the_table(run):
    """Somebody else made all of it: three warnings, and no error."""
    assert lines(run) == MADE
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        proxy.denied = {"DescribeTable", "DescribeTimeToLive", "UpdateTable"}
        warnings = lines(run, AWS_ENDPOINT_URL=proxy.url)[:-1]
    assert len(warnings) == 2
    assert all("WARNING: the right dynamodb:Describe" in one for one in warnings)


def test_a_missing_right_to_add_an_index_is_a_warning(run):
    made_elsewhere(run)
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        proxy.denied = {"UpdateTable"}
        warning, _, _ = lines(run, AWS_ENDPOINT_URL=proxy.url)
    assert warning.startswith("m0401_jobs: WARNING: the right dynamodb:UpdateTable is missing")
    assert lines(run) == [MADE[0], READY]


def test_a_table_that_cannot_be_created_is_an_error(run):
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        proxy.denied = {"CreateTable"}
        done = migrate(run, layers=LAYERS, AWS_ENDPOINT_URL=proxy.url)
    assert done.returncode == 1
    assert done.stderr.startswith("m0401_jobs: ") and "CreateTable" in done.stderr
    assert "Traceback" not in done.stderr


def test_dynamodb_that_is_away_is_worth_another_try(run):
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy, proxy.down():
        done = migrate(run, layers=LAYERS, AWS_ENDPOINT_URL=proxy.url)
    assert done.returncode == os.EX_TEMPFAIL, done.stderr
    assert "m0401_jobs: JobStoreUnavailable" in done.stderr


def being_built(data: bytes) -> tuple[int, bytes]:
    """DescribeTable, while DynamoDB builds the index of due times."""
    answer = json.loads(data)
    for index in answer.get("Table", {}).get("GlobalSecondaryIndexes", []):
        if index["IndexName"] == "by_due_time":
            index["IndexStatus"] = "CREATING"
    return (200 if "Table" in answer else 400), json.dumps(answer).encode()


def backfilling(_: bytes) -> tuple[int, bytes]:
    """Query of an index that DynamoDB has not filled yet."""
    error = {
        "__type": "com.amazon.coral.validate#ValidationException",
        "Message": "Cannot read from backfilling global secondary index: by_owner",
    }
    return 400, json.dumps(error).encode()


def test_an_index_that_is_still_being_built(run, tmp_path):
    """The migration waits, then warns, and is done by a later run. Jobs run meanwhile, and only what
    reads the index is answered with 503.
    """
    made_elsewhere(run)
    with Proxy(run.environment()["AWS_ENDPOINT_URL"]) as proxy:
        proxy.answers["DescribeTable"] = being_built
        warning, _, ready = lines(run, AWS_ENDPOINT_URL=proxy.url, STORE_WAIT_SECONDS="1")
        assert "WARNING: the index by_due_time is still being built" in warning
        assert ready == READY
        del proxy.answers["DescribeTable"]
        with serving(run, tmp_path, AWS_ENDPOINT_URL=proxy.url) as api:
            proxy.answers["Query"] = backfilling
            job_id = api.accepted()
            assert api.ended(job_id)["status"] == "completed"
            listed = api.http.get("/jobs")
            assert listed.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert listed.json()["type"] == "job_store_unavailable"
            del proxy.answers["Query"]
            assert [one["job_id"] for one in api.http.get("/jobs").json()["jobs"]] == [job_id]
    assert lines(run) == [READY]


def test_no_request_creates_the_table(run, settings):
    from pipeline.models.creation import create
    from pipeline.models.errors import JobStoreUnavailable

    dynamodb(run).delete_table(TableName="jobs")
    with pytest.raises(JobStoreUnavailable):
        create(document(), "public")
    assert dynamodb(run).list_tables()["TableNames"] == []
