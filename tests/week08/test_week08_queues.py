"""Week 8.1, with real workers: an urgent job overtakes a backlog, a slow receiver holds nobody up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.process.fork_client import Host
from autograder.sdk import broker, made
from bootcamp.providers import Fault
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps
from bootcamp.stack.queues import JOB_QUEUES, OTHER_QUEUES, URGENT_ONLY, queues_of
from tests.week08.conftest import LAYERS
from tests.week08.submitting import QUICK, Desk, desk

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

BACKLOG = 30
RECEIVER_SECONDS = 4.0
ENDPOINTS = "pipeline.webhooks.endpoints"


@pytest.fixture
def front(run: Run, tmp_path: Path, host: Host) -> Iterator[Desk]:
    with desk(run, tmp_path, host) as front:
        yield front


def test_an_urgent_job_overtakes_a_backlog(front: Desk, tmp_path: Path) -> None:
    waiting = [front.submit() for _ in range(BACKLOG)]
    urgent = front.submit(urgent=True)
    with Apps({**front.run.environment(), **QUICK}, LAYERS, state=tmp_path / "apps"):
        front.wait([urgent], 60)
        done = front.completed(waiting)
        front.wait(waiting, 90)
    assert done <= 3, f"{done} of {BACKLOG} jobs were completed before the urgent one"
    assert front.order().index(urgent) <= 3


def test_a_retry_and_a_restart_keep_the_urgency(front: Desk, tmp_path: Path) -> None:
    """The provider refuses once, so the step's message is sent again by its worker."""
    front.run.openai.script(Fault.status(503))
    urgent = front.submit(urgent=True)
    env = {**front.run.environment(), **QUICK, "BACKOFF_BASE_SECONDS": "0.1"}
    published: list[str] = []
    client = broker.database(front.run, 0)
    with client.monitor() as monitor, Apps(env, LAYERS, state=tmp_path / "apps"):
        front.wait([urgent], 60)
        client.lpush("end-of-the-test", "x")
        for seen in monitor.listen():
            words = seen["command"].split(maxsplit=2)
            if words[0] == "LPUSH" and words[1] == "end-of-the-test":
                break
            if words[0] == "LPUSH" and urgent in words[2]:
                published.append(words[1])
    assert published and set(published) == {"urgent"}, published
    assert len(published) >= 5  # four steps, and one of them twice
    assert front.row(urgent)["document"]["urgent"] is True  # so a replay and a redrive keep it


def test_a_slow_receiver_holds_nobody_up(front: Desk, tmp_path: Path) -> None:
    """Deliveries to a receiver that answers late fill the worker that takes webhooks, and no other."""
    run = front.run
    run.webhooks.script(Fault.slow(RECEIVER_SECONDS, times=None))
    ended = [made(ENDPOINTS, "Event", "job.completed")]
    front.code.call(ENDPOINTS, "register", "slow", run.webhooks.url("slow"), ended)
    env = {**run.environment(), **QUICK, "WEBHOOK_TIMEOUT_SECONDS": "10"}
    with Apps(env, LAYERS, workers=2, state=tmp_path / "apps"):
        first = [front.submit(owner="slow") for _ in range(6)]
        front.wait(first, 60)
        assert run.webhooks.wait_for(
            2, 20, "slow"
        )  # both slots of one worker wait for the receiver
        started = time.monotonic()
        others = [front.submit() for _ in range(4)]
        front.wait(others, 30)
        seconds = time.monotonic() - started
        open_ones = [one for one in run.webhooks.deliveries("slow") if one.ended is None]
    assert open_ones, "the receiver had answered everything: the test has shown nothing"
    assert seconds < 2 * RECEIVER_SECONDS


def test_the_stack_uses_the_names_of_the_table() -> None:
    from pipeline.tasks.routing import QUEUES

    assert {*JOB_QUEUES, *OTHER_QUEUES} == set(QUEUES)
    assert queues_of(1) == ()  # one worker takes all of them
    for count in range(2, 9):
        kinds = [queues_of(number) or tuple(QUEUES) for number in range(1, count + 1)]
        assert {queue for kind in kinds for queue in kind} == set(QUEUES)
        assert any("webhooks" not in kind for kind in kinds)
    assert queues_of(4) == URGENT_ONLY


HEADERS = {
    "": 3,
    "u=0": 0,
    "u=2, i": 2,
    "i, u=1": 1,
    "u=5, u=1": 1,
    "u=1;x=2": 1,
    "u=1; x": 1,
    "u=7": 7,
    "u=8": 3,
    "u=-1": 3,
    "u=1.5": 3,
    "u": 3,
    'u="1"': 3,
    "u=1,": 3,
    "u=1 i": 3,
    "U=1": 3,
    "u=1, !": 3,
    'a="x, y", u=2': 2,
    "a=?1,u=0": 0,
    "a=token/1, u=0": 0,
    "u=0" + ", i" * 500: 3,
    "héé": 3,
}


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_is_read_as_the_rfc_says(header: str) -> None:
    from pipeline.api.priority import urgency

    assert urgency([header] if header else []) == HEADERS[header]


def test_several_lines_are_one_list() -> None:
    from pipeline.api.priority import urgency

    assert urgency(["i", "u=1"]) == 1
    assert urgency([]) == 3


@pytest.mark.parametrize(("header", "urgent"), [("u=2", True), ("u=3", False), (None, False)])
def test_the_reference_keeps_what_the_client_asked_for(
    header: str | None, urgent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.api import priority
    from pipeline.documents import TEXT, DocumentRef
    from pipeline.submission import Accepted

    seen: list[DocumentRef] = []

    async def accepted(document: DocumentRef, owner: str, key: str | None) -> Accepted:
        seen.append(document)
        return Accepted(document)

    async def route(scope: Any, receive: Any, send: Any) -> None:
        given = DocumentRef(document_id="1", blob_key="k", filename="a.txt", content_type=TEXT)
        await priority.accept(given, "me")

    monkeypatch.setattr("pipeline.api.jobs.accept", accepted)
    headers = [(b"priority", header.encode())] if header else []
    scope = {"type": "http", "method": "POST", "path": "/documents", "headers": headers}
    asyncio.run(priority.ReadsPriority(route)(scope, None, None))  # type: ignore[arg-type]
    assert seen[0].urgent is urgent
    assert seen[0].as_message().get("urgent", False) is urgent
    assert "urgent" not in seen[0].model_dump()  # no response shows it
