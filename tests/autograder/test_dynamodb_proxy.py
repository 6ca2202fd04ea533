"""The proxy that stands between a student's code and DynamoDB, and calls with objects and in crowds."""

from __future__ import annotations

import random
import socket
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from autograder.process.rpc_server import decode, race
from autograder.process.wait import until
from autograder.run.dynamodb_proxy import DynamoDBProxy, Request
from autograder.sdk.jobs_table import JobsTable, job, moment
from autograder.sdk.races import made
from bootcamp import bounds
from bootcamp.stack.addresses import REGION


@pytest.fixture
def rng():
    return random.Random(4)


@pytest.fixture
def dynamodb_proxy(run):
    with DynamoDBProxy(run.environment()) as dynamodb_proxy:
        yield dynamodb_proxy


@pytest.fixture
def table(run):
    table = JobsTable(run)
    table.create()
    return table


@pytest.fixture
def client(run, dynamodb_proxy):
    """As a student's code has it."""
    env = run.environment() | dynamodb_proxy.environment
    session = boto3.session.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    config = Config(region_name=REGION, retries={"total_max_attempts": 1})
    return session.resource("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"], config=config).Table(
        "jobs"
    )


def test_what_nobody_watches_goes_through(table, client, rng):
    one = job(rng)
    client.put_item(Item=one)
    assert table.get(one["id"]) == one == client.get_item(Key={"id": one["id"]})["Item"]


def test_there_is_no_way_past(run, table, client, dynamodb_proxy, rng):
    """The account that the student's code knows is nobody's; and none of the real one's is seen."""
    table.put(job(rng))
    shown, real = dynamodb_proxy.environment["AWS_ACCESS_KEY_ID"], run.aws_account
    past = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=run.environment()["AWS_ENDPOINT_URL"],
        aws_access_key_id=shown,
        aws_secret_access_key="any",
    )
    with pytest.raises(ClientError, match="no account of this stack"):
        past.list_tables()
    assert f":{shown}:" in client.table_arn
    assert real not in str(client.meta.client.describe_table(TableName=client.name))


def test_an_act_comes_before_the_write_it_waits_for(table, client, dynamodb_proxy, rng):
    one = job(rng)
    table.put(one)

    def write() -> None:
        client.update_item(
            Key={"id": one["id"]},
            UpdateExpression="SET seen = :yes",
            ConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":yes": True, ":s": "pending"},
        )

    write()
    with dynamodb_proxy.before(
        lambda: table.cancel(one["id"]), lambda request: request.writes
    ) as seen:
        client.get_item(Key={"id": one["id"]})
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            write()
    assert [request.operation for request in seen] == ["GetItem", "UpdateItem"]
    assert seen[1].names(one["id"])
    assert not seen[1].names("somebody else")


def test_a_request_can_be_cut_off(table, client, dynamodb_proxy, rng):
    one = job(rng)
    with dynamodb_proxy.watching(lambda request: not request.writes):
        with pytest.raises(ConnectionClosedError):
            client.put_item(Item=one)
        assert "Item" not in client.get_item(Key={"id": one["id"]})
    client.put_item(Item=one)


def test_a_query_can_be_kept_short(table, client, dynamodb_proxy, rng):
    jobs = [job(rng, created_at=moment(-age)) for age in (3, 2, 1)]
    table.put(*jobs)

    def short(request) -> bool:
        request.limit(2)
        return True

    query = {
        "IndexName": "by_owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": "public"},
    }
    with dynamodb_proxy.watching(short):
        answer = client.query(**query, Limit=200)
    assert [item["id"] for item in answer["Items"]] == [one["id"] for one in jobs[:2]]
    assert answer["LastEvaluatedKey"]["id"] == jobs[1]["id"]


def test_an_argument_can_be_made_there():
    assert decode(made("fractions", "Fraction", 1, made("builtins", "int", "2"))) == 0.5
    assert decode([{"a": made("builtins", "dict", b=1)}]) == [{"a": {"b": 1}}]


def test_calls_in_a_crowd_all_answer():
    answers = race("builtins", "int", [["1"], ["no number"], ["3"]])
    assert [one["ok"] for one in answers] == [True, False, True]
    assert [one.get("value") for one in answers] == [1, None, 3]
    assert answers[1]["error"] == "ValueError"


def test_a_text_is_found_however_it_is_written() -> None:
    escaped = "".join(f"\\u{ord(one):04x}" for one in "job-1")
    for body in (
        '{"Key": "job-1"}',
        f'{{"Key": "{escaped}"}}',
        '{"Statement": "WHERE id = \'job-1\'"}',
    ):
        assert Request("UpdateItem", body.encode()).names("job-1"), body
        assert not Request("UpdateItem", body.encode()).names("job-2")
    assert not Request("UpdateItem", b"no JSON").names("job-1")


# -- what a hostile client tries ---------------------------------------------------------------


def line_to(proxy: DynamoDBProxy) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", int(proxy.environment["AWS_ENDPOINT_URL"].rpartition(":")[2])), 10
    )


@pytest.mark.parametrize("length", ["6000000000", "9" * 400, "-1", "many", "٣"])
def test_a_length_that_cannot_be_is_refused(dynamodb_proxy, length):
    with line_to(dynamodb_proxy) as line:
        line.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_connections_have_a_limit_and_are_given_back(table, client, dynamodb_proxy, rng):
    idle = [line_to(dynamodb_proxy) for _ in range(bounds.MAX_CONNECTIONS + 20)]
    assert until(lambda: threading.active_count() >= bounds.MAX_CONNECTIONS, 10.0)
    assert threading.active_count() < bounds.MAX_CONNECTIONS + 20
    for one in idle:
        one.close()
    assert until(lambda: threading.active_count() < 20, 10.0)
    client.put_item(Item=job(rng))


def test_what_is_kept_and_what_is_written_has_a_limit(
    table, client, dynamodb_proxy, rng, monkeypatch
):
    monkeypatch.setattr(bounds, "MAX_SEEN_BYTES", 8_000)
    with dynamodb_proxy.watching() as seen, pytest.raises(ConnectionClosedError):
        for _ in range(20):
            client.get_item(Key={"id": "x"})
    assert 1 < len(seen) < 10
    monkeypatch.setattr(bounds, "MAX_WRITTEN_BYTES", 8_000)
    with pytest.raises(ConnectionClosedError):
        for _ in range(20):
            client.put_item(Item=job(rng))
    client.get_item(Key={"id": "x"})
