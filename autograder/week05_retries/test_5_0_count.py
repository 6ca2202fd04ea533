"""5.0, the first green: one query counts the dead letters of an owner.

What a submission could fake:
- counts: nothing is counted but the rows that the grader has written.
- witness: the returned number.
- place: owners and the number of dead letters are random.
- store: only the returned number counts.
- probe: none: the function sees an owner only.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_return
from autograder.week05_retries.rows import Rows, dead, job

pytestmark = [pytest.mark.item("5.0"), pytest.mark.usefixtures("stores")]

COUNT = "pipeline.models.dead_letter_count"


def test_the_dead_letters_of_an_owner_are_counted(code: Code, table: Rows, rng: Random) -> None:
    """a: the number is that of the owner alone, and 0 without a job."""
    owner, other, unknown = (f"owner-{rng.getrandbits(32):x}" for _ in range(3))
    count = rng.randint(3, 5)
    table.put(*(dead(rng, owner=owner) for _ in range(count)))
    table.put(dead(rng, owner=other), job(rng, "completed", owner=owner))
    here = f"an owner with {count} dead letters and one completed job"
    check(code, owner, count, f"count_dead_letters() of {here}")
    check(code, unknown, 0, "count_dead_letters() of an owner without jobs")


def check(code: Code, owner: str, count: int, sent: str) -> None:
    said = must_return(sent, code.ask(COUNT, "count_dead_letters", owner))
    if type(said) is not int or said != count:
        cause = "count the jobs that `dead_jobs(owner)` yields, and return the number"
        fail(sent=sent, expected=str(count), got=said, cause=cause)
