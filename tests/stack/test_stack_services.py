"""The services of a stack that is up, and what keeps two runs apart."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import openai
import psutil
import psycopg
import pytest
import redis
from botocore.config import Config

from bootcamp.errors import StackError
from bootcamp.providers import Fault
from bootcamp.stack import Run, Stack

TEXT = "Retries need jitter."


def aws(run: Run, service: str) -> Any:
    known = run.environment()
    return boto3.client(
        service,
        endpoint_url=known["AWS_ENDPOINT_URL"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
        region_name=known["AWS_DEFAULT_REGION"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def make_table(run: Run, name: str) -> None:
    aws(run, "dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def other(stack: Stack) -> Iterator[Run]:
    with stack.isolated() as other:
        yield other


def test_all_servers_listen_on_loopback_alone(stack, run):
    pids = [*stack.endpoints.server_pids.values(), run.redis.process.pid]
    for pid in pids:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        listening = [
            connection.laddr.ip
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening and set(listening) == {"127.0.0.1"}, psutil.Process(pid).cmdline()


def test_the_environment_has_exactly_what_the_architecture_lists(stack, run, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    from bootcamp import paths

    page = (paths.ROOT / "ARCHITECTURE.md").read_text()
    assert set(run.environment()) == set(stack.environment())
    for name in run.environment():
        assert f"`{name}`" in page
    assert run.environment()["APP_ENV"] == "development"


def test_no_secret_of_the_stack_reaches_a_run(stack, run):
    up = stack.endpoints
    text = json.dumps(run.environment())
    for secret in (up.postgres_password, up.control_token, up.redis_url, up.database_url):
        assert secret not in text
    assert up.aws_account not in text and up.openai_key not in text


def test_redis_is_fit_for_a_broker(run):
    client = redis.Redis.from_url(run.redis_url)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    for database in (0, 1, 2):
        assert redis.Redis.from_url(f"{run.redis_url}/{database}").ping()
    without = run.redis_url.split("@")[1]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(f"redis://{without}").ping()


def test_postgres_has_vectors_and_the_role_has_no_special_rights(run):
    with psycopg.connect(run.database_url) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("CREATE TABLE chunk (id int PRIMARY KEY, embedding vector(3))")
        connection.execute("INSERT INTO chunk VALUES (1, '[1,0,0]'), (2, '[0,1,0]')")
        connection.execute("CREATE INDEX ON chunk USING hnsw (embedding vector_cosine_ops)")
        nearest = "SELECT id FROM chunk ORDER BY embedding <=> '[0,0.9,0.1]' LIMIT 1"
        assert connection.execute(nearest).fetchone() == (2,)
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = user"
        assert connection.execute(rights).fetchone() == (False, False, False)


def test_postgres_wants_a_password(run):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(run.database_url, password="another")


def test_a_run_cannot_enter_another_runs_database(run, other, stack):
    server, _, name = other.database_url.rpartition("/")
    mine = run.database_url.rpartition("/")[0]
    for database in (name, "postgres", "template1", "bootcamp", "bootcamp_template"):
        with pytest.raises(psycopg.OperationalError, match=r"permission denied|does not exist"):
            psycopg.connect(f"{mine}/{database}")
    psycopg.connect(f"{server}/{name}").close()


def test_flushing_ones_own_redis_hurts_nobody(run, other):
    theirs = redis.Redis.from_url(other.redis_url)
    theirs.set("queue", "full")
    redis.Redis.from_url(run.redis_url).flushall()
    assert theirs.get("queue") == b"full"


def test_dynamodb_and_s3_keep_accounts_apart(run, other):
    make_table(run, "jobs")
    aws(run, "s3").create_bucket(Bucket="documents")
    aws(run, "s3").put_object(Bucket="documents", Key="a", Body=b"mine")
    assert aws(other, "dynamodb").list_tables()["TableNames"] == []
    assert aws(other, "s3").list_buckets()["Buckets"] == []
    make_table(other, "jobs")
    aws(other, "dynamodb").put_item(TableName="jobs", Item={"id": {"S": "theirs"}})
    assert aws(run, "dynamodb").scan(TableName="jobs")["Count"] == 0


def test_nobody_can_reset_the_aws_services(run, other):
    make_table(other, "jobs")
    port = int(run.environment()["AWS_ENDPOINT_URL"].rpartition(":")[2])
    for path in ("/_ministack/reset", "/%5fministack/reset", "//_ministack/reset"):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        line.request("POST", path)
        assert line.getresponse().status >= 400
        line.close()
    assert aws(other, "dynamodb").list_tables()["TableNames"] == ["jobs"]


def test_the_openai_stand_in_keeps_keys_apart(run, other):
    for one in (run, other):
        known = one.environment()
        client = openai.OpenAI(
            base_url=known["OPENAI_BASE_URL"], api_key=known["OPENAI_API_KEY"], max_retries=0
        )
        if one is run:
            one.openai.script(Fault.status(503))
            with pytest.raises(openai.InternalServerError):
                client.embeddings.create(model="text-embedding-3-small", input=[TEXT])
        else:
            answer = client.embeddings.create(model="text-embedding-3-small", input=[TEXT])
            assert len(answer.data[0].embedding) == 1536
    assert len(run.openai.journal()) == len(other.openai.journal()) == 1


def test_the_webhook_sink_keeps_runs_apart(run, other):
    httpx.post(run.environment()["WEBHOOK_SINK_URL"], content=b"{}", trust_env=False)
    assert [delivery.body for delivery in run.webhooks.deliveries()] == [b"{}"]
    assert other.webhooks.deliveries() == []


def test_the_feed_server_keeps_runs_apart(run, other):
    run.feeds.publish("news.xml", "<rss/>")
    for one in (run, other):
        address = f"{one.environment()['NEWS_FEEDS_URL']}/news.xml"
        found = httpx.get(address, trust_env=False).status_code == 200
        assert found == (one is run)
    assert len(run.feeds.requests()) == len(other.feeds.requests()) == 1


def test_a_redis_outage_keeps_the_port(run):
    client = redis.Redis.from_url(run.redis_url, socket_connect_timeout=2)
    with run.redis_outage(), pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(run.redis_url, socket_connect_timeout=2).ping()
    assert client.ping()


def test_a_postgres_outage_is_this_runs_alone(run, other):
    connection = psycopg.connect(run.database_url)
    with run.postgres_outage():
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(run.database_url)
        psycopg.connect(other.database_url).close()
    psycopg.connect(run.database_url).close()


def test_a_run_leaves_nothing_behind(stack):
    with stack.isolated() as run:
        make_table(run, "jobs")
        aws(run, "s3").create_bucket(Bucket="documents")
        aws(run, "s3").put_object(Bucket="documents", Key="a/b", Body=b"mine")
        (run.blob_folder / "blob").write_bytes(b"x")
        held_open = psycopg.connect(run.database_url)
        pid = run.redis.process.pid
    assert not run.path.exists() and not psutil.pid_exists(pid)
    assert aws(run, "dynamodb").list_tables()["TableNames"] == []
    assert aws(run, "s3").list_buckets()["Buckets"] == []
    with pytest.raises(psycopg.OperationalError):
        held_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(run.database_url)


def test_a_run_is_made_quickly(stack):
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        with stack.isolated():
            seconds.append(time.monotonic() - started)
    assert min(seconds) < 3, "it takes about 0.1 s on an idle machine"


def test_the_users_own_key_means_the_real_service_but_never_for_a_run(stack, run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-user")
    assert not [name for name in stack.environment() if name.startswith("OPENAI_")]
    assert run.environment()["OPENAI_API_KEY"].startswith("sk-local-")
    monkeypatch.setenv("OPENAI_API_KEY", run.environment()["OPENAI_API_KEY"])
    assert stack.environment()["OPENAI_BASE_URL"].startswith("http://127.0.0.1:")


def test_attaching(stack, tmp_path):
    joined = Stack.attach(stack.path)
    assert joined.environment() == stack.environment()
    with joined, joined.isolated() as run:
        psycopg.connect(run.database_url).close()
        assert redis.Redis.from_url(run.redis_url).ping()
    assert redis.Redis.from_url(stack.endpoints.redis_url).ping(), "leaving must not stop it"
    with pytest.raises(StackError, match="No stack is up"):
        Stack.attach(tmp_path)


def test_the_files_with_secrets_are_private(stack):
    for name in ("stack.json", "secrets.json", "redis/redis.conf"):
        assert (Path(stack.path) / name).stat().st_mode & 0o077 == 0
    assert stack.path.stat().st_mode & 0o077 == 0
