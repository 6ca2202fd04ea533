"""1.1: the broker on database 0, results on database 1, JSON only, UTC, and result expiry.

What a submission could fake:
- counts: nothing is counted.
- witness: messages and results are read from Redis. A pickle that is opened is seen by six calls, of
  which one connects to the grader. A harmless pickle that is run is seen at the model.
- place: expiry, names of files and the port are random. The database numbers are part of the promise.
- store: a message or a result that is missing is looked for in all databases of Redis.
- probe: the options of an address are read from `app.conf`, which is the word of the student's process.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import select
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from autograder.sdk import (
    OpenAIControl,
    Run,
    Student,
    TookTooLong,
    Worker,
    broker,
    fail,
    until,
)
from autograder.sdk.network import LOOPBACK
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.1")

CONFIG = "pipeline.tasks.celery_config"
ENQUEUE = 'summarize_article.delay("…")'
RESULT_SECONDS = 10.0
ENQUEUE_SECONDS = 8.0
"""The first call also imports everything."""
PICKLE_SECONDS = 5.0
SOON, HALF_A_YEAR = 600, 182 * 24 * 3600
"""Countdowns in seconds. One of the two is in summer, when a zone such as London's is not UTC."""
PICKLE = ("application/x-python-serialize", "binary")
YAML = ("application/x-yaml", "utf-8")
"""Content type and encoding of a message."""


def enqueue_aside(student: Student, run: Run, **options: Any) -> broker.Message:
    """Enqueue one article in a queue without a worker, and read its message from the broker."""
    title = f"article {uuid.uuid4()}"
    call = (articles.TASK, "summarize_article.apply_async", [title])
    try:
        student.call(*call, timeout=ENQUEUE_SECONDS, queue=broker.ASIDE, **options)
    except TookTooLong:
        fail(
            sent=ENQUEUE,
            expected="one message waiting in Redis database 0",
            got=f"the producer was still trying after {ENQUEUE_SECONDS:g} s",
            cause="`broker_url` does not come from `worker_settings()`, and nothing listens there",
        )
    messages = broker.put_aside(run)
    if len(messages) != 1:
        elsewhere = [
            number for number in range(1, broker.DATABASES) if broker.put_aside(run, number)
        ]
        fail(
            sent=ENQUEUE,
            expected="one message waiting in Redis database 0",
            got=f"{len(messages)} messages there"
            + (f", and one in database {elsewhere[0]}" if elsewhere else ""),
            cause="`broker_url` names another database, or another server than REDIS_URL",
        )
    return messages[0]


def test_settings_are_a_dict(student: Student) -> None:
    """a: `connection` returns a dict."""
    settings = student.call(CONFIG, "connection", timeout=ENQUEUE_SECONDS)
    if not isinstance(settings, dict):
        fail(
            sent="celery_config.connection()",
            expected="a dict of Celery settings",
            got=settings,
            cause="`connection` does not return the dict",
        )


@pytest.mark.usefixtures("launched_worker")  # it starts while these calls are made
def test_messages_are_json_and_utc(student: Student, run: Run) -> None:
    """a, b, c, d: messages in JSON on the right database, with start times in UTC.

    The machine's clock shows Tokyo time.
    """
    for countdown in (SOON, HALF_A_YEAR):
        message = enqueue_aside(student, run, countdown=countdown)
        check_json(message)
        eta = str(message.headers.get("eta"))
        if eta.endswith(("+00:00", "Z")):
            continue
        fail(
            sent=f"a task with countdown={countdown}, from a machine in the time zone Asia/Tokyo",
            expected="a time in UTC in the message",
            got=eta,
            cause="`timezone` or `enable_utc` is set to something else",
        )


def test_result_expires(
    student: Student, run: Run, worker: Worker, expiry: int, rng: Random
) -> None:
    """a, b, c, d: a result in JSON on the right database, which expires when the settings say."""
    [title] = articles.titles(rng, 1)
    check_result(run, articles.enqueue(student, title), expiry, worker)


@pytest.mark.parametrize(("least", "most"), [(2, 40), (100_000, 900_000)], ids=["short", "long"])
def test_any_expiry(student: Student, rng: Random, least: int, most: int) -> None:
    """d: also a few seconds, and more than a day, are what the settings say."""
    wanted = rng.randint(least, most)
    with articles.restarted(student, RESULT_EXPIRES_SECONDS=wanted):
        found = student.read(CONFIG, "app.backend.expires")
    if found != wanted:
        fail(
            sent=f"a process with RESULT_EXPIRES_SECONDS={wanted}",
            expected=f"results that expire after {wanted} s",
            got=f"after {found} s",
            cause="`result_expires` is not `settings.result_expires_seconds` itself",
        )


def test_no_pickle_is_opened(student: Student, run: Run, worker: Worker, rng: Random) -> None:
    """c: pickles that would call six functions. The last one connects to the grader itself."""
    queue = str(student.read(CONFIG, "app.conf.task_default_queue"))
    like = enqueue_aside(student, run)
    with socket.create_server((LOOPBACK, 0)) as server:
        traps = made_traps(student.home, rng, server.getsockname())
        for trap in rng.sample(traps, len(traps)):
            body = pickle.dumps(((trap,), {}, {}), protocol=2)
            plant(run, like, queue, body, PICKLE)
            check_refused(run, [trap.made for trap in traps if trap.made], server, worker)


@pytest.mark.parametrize("kind", ["pickle", "YAML"])
def test_only_json_is_run(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random, kind: str
) -> None:
    """c: the worker does not run a task whose harmless message is in another format."""
    queue = str(student.read(CONFIG, "app.conf.task_default_queue"))
    [title, normal] = articles.titles(rng, 2)
    message = [[title], {}, {}]
    body = pickle.dumps(message) if kind == "pickle" else json.dumps(message).encode()
    plant(run, enqueue_aside(student, run), queue, body, PICKLE if kind == "pickle" else YAML)
    articles.enqueue(student, normal)
    articles.wait_for_requests(openai, normal, 1, RESULT_SECONDS)
    if articles.wait_for_requests(openai, title, 1, 0.3):
        fail(
            sent=f"a message in {kind}, put into the queue by a stranger",
            expected="the worker rejects it, because it accepts only JSON",
            got="the worker ran its task",
            cause="`accept_content` allows more than json",
        )


def test_the_address_keeps_its_options(student: Student) -> None:
    """b: a server with TLS and a certificate of its own; nothing connects to it."""
    server = "rediss://redis.example:6380?ssl_ca_certs=%2Fcerts%2Fca.pem"
    numbers = {"broker_url": 0, "result_backend": 1}
    with articles.restarted(student, REDIS_URL=server):
        found = {name: str(student.read(CONFIG, f"app.conf.{name}")) for name in numbers}
    for name, number in numbers.items():
        address = urlsplit(found[name])
        options = parse_qs(address.query)
        database = address.path.strip("/") or "0"  # 0 is where an address without a number leads
        if database != str(number) or options.get("ssl_ca_certs") != ["/certs/ca.pem"]:
            fail(
                sent=f"app.conf.{name}, with REDIS_URL={server}",
                expected=f"an address with the database /{number} and the option ssl_ca_certs",
                got=address.geturl(),
                cause="the number is appended to the whole address: "
                "use `settings.redis_database(…)`, which keeps the options",
            )


def test_a_result_in_pickle_is_refused(student: Student) -> None:
    """c: a process that reads results opens no pickle."""
    accepted = student.read(CONFIG, "app.conf.result_accept_content")
    if accepted is not None and not set(accepted) <= {"json", "application/json"}:
        fail(
            sent="app.conf.result_accept_content",
            expected="None, or a list with json alone",
            got=accepted,
            cause="this setting replaces `accept_content` for results, and it allows more than json",
        )


def check_json(message: broker.Message) -> None:
    content = message.raw.get("content-type")
    try:
        json.loads(message.body)
    except (ValueError, RecursionError):
        content = f"{content}, and a body that is no JSON"
    if content != "application/json":
        fail(
            sent=ENQUEUE,
            expected="a message in JSON",
            got=f"content type {content}",
            cause="`task_serializer` is not json",
        )


def check_result(run: Run, task_id: str, expiry: int, worker: Worker) -> None:
    stored = until(lambda: broker.result(run, task_id), RESULT_SECONDS)
    sent = f"{ENQUEUE}, run by a worker started with RESULT_EXPIRES_SECONDS={expiry}"
    if stored is None:
        elsewhere = [
            n
            for n in range(broker.DATABASES)
            if broker.database(run, n).exists(f"celery-task-meta-{task_id}")
        ]
        fail(
            sent=sent,
            expected="a result in Redis database 1",
            got=f"one in database {elsewhere[0]}" if elsewhere else "no result anywhere in Redis",
            cause="`result_backend` names another database, or results are switched off",
            log=() if elsewhere else worker.tail(),
        )
    value, seconds = stored
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        fail(
            sent=sent,
            expected="a result in JSON",
            got=f"{value[:40]!r}…",
            cause="`result_serializer` is not json",
        )
    if not expiry - 60 <= seconds <= expiry:
        fail(
            sent=sent,
            expected=f"a result that expires in {expiry} s",
            got="a result that never expires"
            if seconds < 0
            else f"one that expires in {seconds} s",
            cause="`result_expires` does not come from `worker_settings().result_expires_seconds`",
        )


@dataclass(frozen=True)
class Trap:
    """Unpickling an object of this class calls a function."""

    call: Callable[..., object]
    arguments: tuple[Any, ...]
    made: Path | None
    """The file or folder that the call makes."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        return self.call, self.arguments


def made_traps(home: Path, rng: Random, address: tuple[str, int]) -> list[Trap]:
    """One trap for each function, under names that nobody can know."""
    paths = [home / f"{rng.getrandbits(64):x}" for _ in range(5)]
    calls: list[tuple[Callable[..., object], tuple[Any, ...]]] = [
        (open, (str(paths[0]), "w")),
        (os.mkdir, (str(paths[1]),)),
        (os.symlink, ("nothing", str(paths[2]))),
        (os.system, (f"echo > {paths[3]}",)),
        (exec, (f"import pathlib; pathlib.Path({str(paths[4])!r}).touch()",)),
    ]
    traps = [
        Trap(call, arguments, path) for (call, arguments), path in zip(calls, paths, strict=True)
    ]
    return [*traps, Trap(socket.create_connection, (address,), None)]


def plant(run: Run, like: broker.Message, queue: str, body: bytes, kind: tuple[str, str]) -> None:
    """Put a copy of the message `like` into the worker's queue, as an attacker would.

    Args:
        body: its arguments, in another format.
        kind: the content type and encoding of that format.
    """
    task_id = str(uuid.uuid4())
    raw = json.loads(json.dumps(like.raw))
    raw["headers"]["id"] = raw["properties"]["correlation_id"] = task_id
    raw["properties"]["delivery_tag"] = str(uuid.uuid4())
    raw["properties"]["delivery_info"] = {"exchange": "", "routing_key": queue}
    raw["content-type"], raw["content-encoding"] = kind
    raw["body"] = base64.b64encode(body).decode()
    broker.database(run, broker.BROKER).lpush(queue, json.dumps(raw))


def check_refused(run: Run, files: list[Path], server: socket.socket, worker: Worker) -> None:
    sent = "a pickled message, put into the queue by an attacker"

    def opened() -> bool:
        called = bool(select.select([server], [], [], 0)[0])
        return called or any(os.path.lexists(path) for path in files)

    taken = until(lambda: opened() or not broker.waiting(run), PICKLE_SECONDS)
    if until(opened, 0.1):
        fail(
            sent=sent,
            expected="the worker rejects it, because it accepts only JSON",
            got="the pickle was opened, and its code ran in the worker",
            cause="`accept_content` allows more than json",
        )
    if not taken or not worker.alive:
        fail(
            sent=sent,
            expected="the worker takes it, rejects it and continues",
            got="the message was not taken" if worker.alive else "the worker ended",
            cause="the worker consumes another queue, or the message crashed it",
            log=worker.tail(),
        )
