"""4.2: a job moves along the state machine, and a lost race is told."""

from __future__ import annotations

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.week04.conftest import table

STATES = ["pending", "processing", "completed", "failed", "cancelled"]
WAYS = {
    ("pending", "processing"),
    ("pending", "cancelled"),
    ("processing", "completed"),
    ("processing", "failed"),
    ("processing", "cancelled"),
    ("failed", "pending"),
}


def put_in(run, job_id: str, status: str) -> None:
    """Set the status past all code of the pipeline."""
    table(run).update_item(
        Key={"id": job_id},
        UpdateExpression="SET #s = :s, generation = :g",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": status, ":g": 7},
    )


def test_only_allowed_ways_are_gone(run, new_job):
    from pipeline.models.errors import JobConflict
    from pipeline.models.job import Status, move

    for start, to in itertools.product(STATES, STATES):
        job_id = new_job()
        put_in(run, job_id, start)
        before = table(run).get_item(Key={"id": job_id})["Item"]
        if (start, to) in WAYS:
            assert move(job_id, Status(to)).status == to
        else:
            with pytest.raises(JobConflict):
                move(job_id, Status(to))
            assert table(run).get_item(Key={"id": job_id})["Item"] == before, (start, to)


def test_the_table_of_ways_is_the_picture():
    from pipeline.models.job import ALLOWED, STATE_MACHINE

    assert {(a.value, b.value) for a, goals in ALLOWED.items() for b in goals} == WAYS
    drawn = re.findall(r"^    (\w+) --> (\w+): ", STATE_MACHINE, re.MULTILINE)
    assert set(drawn) == WAYS


def test_another_generation_moves_nothing(run, new_job):
    from pipeline.models.errors import JobConflict
    from pipeline.models.job import Status, move

    job_id = new_job()
    put_in(run, job_id, "processing")
    for generation in (6, 8):
        with pytest.raises(JobConflict):
            move(job_id, Status.COMPLETED, generation=generation)
    assert move(job_id, Status.COMPLETED, generation=7).status == "completed"


def test_no_job_is_not_a_lost_race(settings):
    from pipeline.models.errors import JobNotFound
    from pipeline.models.job import Status, move

    with pytest.raises(JobNotFound):
        move(str(uuid4()), Status.CANCELLED)


def test_of_many_who_move_it_at_once_one_succeeds(run, new_job):
    from pipeline.models.errors import JobConflict
    from pipeline.models.job import Status, move

    job_id = new_job()
    put_in(run, job_id, "processing")
    goals = [Status.COMPLETED, Status.FAILED, Status.CANCELLED]

    def attempt(number: int) -> str | None:
        try:
            return move(job_id, goals[number % 3], {"by": number}).model_extra["by"]
        except JobConflict:
            return None

    with ThreadPoolExecutor(30) as threads:
        won = [n for n in threads.map(attempt, range(30)) if n is not None]
    assert len(won) == 1
    item = table(run).get_item(Key={"id": job_id})["Item"]
    assert (item["by"], item["status"]) == (won[0], goals[int(won[0]) % 3])
