"""How a stack starts and ends: by every way of dying, with both servers, as root and as nobody."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
import redis

from bootcamp import paths
from bootcamp.errors import StackError
from bootcamp.stack import Stack, account
from bootcamp.stack.redis import redis_binary, valkey_binary
from tests.parts import missing

PATIENCE = 60.0
USER_NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]

LAUNCHER = """
import json, os, sys, time
from pathlib import Path
from bootcamp.stack import Stack
state = Path(sys.argv[1]) if len(sys.argv) > 1 else None
with Stack(state) as stack, stack.isolated() as run:
    pids = [*stack.endpoints.server_pids.values(), run.redis.process.pid]
    print(json.dumps({"path": str(stack.path), "pids": pids, "uid": os.geteuid()}), flush=True)
    time.sleep(600)
"""


def eventually(what: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


def launch(*words: str, prefix: list[str] | None = None) -> tuple[subprocess.Popen[str], Any]:
    launcher = subprocess.Popen(
        [*(prefix or []), sys.executable, "-c", LAUNCHER, *words],
        env=os.environ | {"PYTHONPATH": str(paths.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert launcher.stdout and launcher.stderr
    line = launcher.stdout.readline()
    assert line, launcher.stderr.read()
    return launcher, json.loads(line)


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder that every user may reach; pytest's own is root's alone."""
    path = Path(tempfile.mkdtemp(prefix="test-stack-"))
    path.chmod(0o755)
    yield path / "state"
    shutil.rmtree(path)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_however_the_launcher_ends(signum):
    launcher, told = launch()
    family = descendants(launcher.pid)
    assert {process.pid for process in family} >= set(told["pids"])
    launcher.send_signal(signum)
    launcher.communicate(timeout=PATIENCE)
    eventually(lambda: not Path(told["path"]).exists(), "the temporary folder is still there")
    eventually(lambda: all(map(gone, family)), f"something is still there of {family}")


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8])
def test_nothing_is_left_when_the_launcher_is_killed_while_it_starts(tmp_path, delay):
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        env=os.environ | {"PYTHONPATH": str(paths.ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: bool(list(tmp_path.glob("*/redis"))), "it did not begin")
    time.sleep(delay)
    family = descendants(launcher.pid)
    launcher.kill()
    launcher.wait()
    eventually(lambda: not list(tmp_path.iterdir()), "the temporary folder is still there")
    eventually(lambda: all(map(gone, family)), f"something is still there of {family}")


def test_a_killed_stack_keeps_its_state_and_can_start_again(folder):
    launcher, told = launch(str(folder))
    with psycopg.connect(Stack.attach(folder).environment()["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    launcher.kill()
    launcher.communicate(timeout=PATIENCE)
    lock = os.open(folder / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)  # waits until the last guard is gone
    os.close(lock)
    assert not [pid for pid in told["pids"] if psutil.pid_exists(pid)]
    with pytest.raises(StackError, match="No stack is up"):
        Stack.attach(folder)
    old = time.time() - 3600
    for left in (folder / "runs").iterdir():
        os.utime(left, (old, old))
    with Stack(folder) as stack:
        with psycopg.connect(stack.environment()["DATABASE_URL"]) as connection:
            connection.execute("SELECT * FROM kept")
            databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        assert not [name for (name,) in databases if name.startswith("run_")], "runs are swept"
        assert not list((folder / "runs").iterdir())


def server(flavor: str) -> Any:
    binary = {"redis": redis_binary, "valkey": valkey_binary}[flavor]()
    if binary is None:
        missing(f"no {flavor} server on this machine")
    return flavor


@pytest.mark.parametrize("flavor", ["redis", "valkey"])
def test_what_is_stored_survives_down_and_up(folder, flavor):
    known = None
    for round_ in ("write", "read"):
        with Stack(folder, redis=server(flavor)) as stack:
            environment = stack.environment()
            client = redis.Redis.from_url(environment["REDIS_URL"])
            assert ("valkey" in client.info("server").get("server_name", "redis")) == (
                flavor == "valkey"
            )
            session = boto3.Session(
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
                region_name=environment["AWS_DEFAULT_REGION"],
            )
            url = environment["AWS_ENDPOINT_URL"]
            dynamodb, s3 = (session.client(name, endpoint_url=url) for name in ("dynamodb", "s3"))
            with psycopg.connect(environment["DATABASE_URL"]) as connection:
                if round_ == "write":
                    known = environment["AWS_ACCESS_KEY_ID"]
                    write(client, connection, dynamodb, s3)
                else:
                    assert known == environment["AWS_ACCESS_KEY_ID"]
                    read(client, connection, dynamodb, s3)


def write(client: Any, connection: Any, dynamodb: Any, s3: Any) -> None:
    client.lpush("celery", "a message")
    connection.execute("CREATE TABLE kept AS SELECT '[1,2]'::vector AS embedding")
    dynamodb.create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="jobs", Item={"id": {"S": "one"}})
    s3.create_bucket(Bucket="documents")
    s3.put_object(Bucket="documents", Key="a/b.pdf", Body=b"bytes")


def read(client: Any, connection: Any, dynamodb: Any, s3: Any) -> None:
    assert client.lrange("celery", 0, -1) == [b"a message"]
    assert connection.execute("SELECT embedding::text FROM kept").fetchone() == ("[1,2]",)
    assert dynamodb.scan(TableName="jobs")["Items"] == [{"id": {"S": "one"}}]
    assert s3.get_object(Bucket="documents", Key="a/b.pdf")["Body"].read() == b"bytes"


def test_a_folder_has_one_stack_and_the_second_is_told_which(folder):
    with Stack(folder):
        with pytest.raises(StackError, match=f"in use by process {os.getpid()}"):
            Stack(folder).__enter__()
        assert Stack.attach(folder).environment()


def test_a_server_that_cannot_start_takes_the_others_along(folder, monkeypatch):
    monkeypatch.setattr("bootcamp.stack.services.LOOPBACK", "203.0.113.1")
    before = set(descendants(os.getpid()))
    with pytest.raises(StackError, match=r"ministack(.|\n)*end of its log"):
        Stack(folder).__enter__()
    assert set(descendants(os.getpid())) <= before
    monkeypatch.undo()
    with Stack(folder):
        pass


def test_it_works_as_an_ordinary_user(folder):
    prefix = []
    if os.geteuid() == 0:
        if not account.can_unshare():
            missing("this machine has no user namespaces, and we are root")
        prefix = USER_NAMESPACE
    launcher, told = launch(str(folder), prefix=prefix)
    try:
        assert told["uid"] != 0
        assert all(psutil.pid_exists(pid) for pid in told["pids"])
    finally:
        launcher.send_signal(signal.SIGINT)
        launcher.communicate(timeout=PATIENCE)
    assert not [pid for pid in told["pids"] if psutil.pid_exists(pid)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_without_user_namespaces_runs_postgres_as_nobody(folder, monkeypatch):
    monkeypatch.setattr(account, "can_unshare", lambda: False)
    with Stack(folder) as stack:
        server_process = psutil.Process(stack.endpoints.server_pids["postgres"])
        assert server_process.username() == "nobody"
        with stack.isolated() as run:
            psycopg.connect(run.database_url).close()
    with Stack(folder) as stack:
        assert stack.environment()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_is_told_when_nobody_cannot_help(monkeypatch, tmp_path):
    monkeypatch.setattr(account, "can_unshare", lambda: False)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StackError, match="`nobody` cannot read"):
        account.postgres_account(closed)
    with pytest.raises(StackError, match="who cannot enter"):
        account.Account(user=(65534, 65534)).open_way(closed / "state")
