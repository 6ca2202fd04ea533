"""Week 8.6: every worker is replaced twice under load, and nothing is lost or repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from autograder.sdk import Fault, database
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps, start_worker
from tests.week08.conftest import LAYERS
from tests.week08.submitting import QUICK, Desk, desk

JOBS, WORKERS, ROUNDS = 200, 2, 2
EMBED_SECONDS = 0.4
"""How slow the provider is, so that the jobs last as long as the replacements."""
DONE_SECONDS = 60.0


@pytest.fixture(autouse=True, scope="module")
def starts() -> None:
    """Start processes as a user does: Celery reads `REMAP_SIGTERM` when it is imported."""


@pytest.fixture
def front(run: Run, tmp_path: Path, host: Host) -> Iterator[Desk]:
    with desk(run, tmp_path, host) as front:
        yield front


@pytest.mark.long
def test_a_rolling_restart_loses_and_repeats_nothing(front: Desk, tmp_path: Path) -> None:
    front.run.openai.script(Fault.slow(EMBED_SECONDS, times=None))
    env = {**front.run.environment(), **QUICK, "LEASE_SECONDS": "60"}
    unfinished = 0
    with Apps(env, LAYERS, workers=WORKERS, state=tmp_path / "apps") as apps:
        jobs = [front.submit() for _ in range(JOBS)]
        for _ in range(ROUNDS):
            for worker in apps.workers:
                unfinished = JOBS - front.completed(jobs)
                code = worker.stop()
                assert code is not None and code >= 0, "it was killed: it did not stop in time"
                start_worker(worker)
        front.wait(jobs, DONE_SECONDS)
    assert unfinished > 0, "all jobs were done before the last worker was replaced"
    rows = [front.row(job) for job in jobs]
    assert {row["deliveries"] for row in rows} == {1}, "a job was started again"
    assert not any(row.get("failures") or row.get("lost_messages") for row in rows)
    asked = Counter(text for entry in front.asked() for text in entry.inputs)
    assert len(asked) == JOBS and set(asked.values()) == {1}, "a step was repeated"
    stored = database.query(front.run, "SELECT count(*), count(DISTINCT document_id) FROM chunks")
    assert stored == [(JOBS, JOBS)]
