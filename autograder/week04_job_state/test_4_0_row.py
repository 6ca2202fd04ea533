"""4.0, the first green: the student's code reads the row of a job from DynamoDB.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned item, which the grader has stored.
- place: ids and states are random.
- store: only the returned item counts.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_return
from autograder.sdk.jobs_table import STATES, JobsTable, job, new_id
from autograder.week04_job_state.student_code import LISTING

pytestmark = pytest.mark.item("4.0")


def test_a_row_is_read(code: Code, table: JobsTable, rng: Random) -> None:
    """a: `read_row` returns the item of the job, and None for an id that no job has."""
    one, other = job(rng, rng.choice(STATES)), job(rng, rng.choice(STATES))
    table.put(one, other)
    sent = "read_row(job_id) for a job that is in the table"
    found = must_return(sent, code.ask(LISTING, "read_row", one["id"]))
    wanted = {"id": one["id"], "owner": one["owner"], "status": one["status"]}
    got = found if isinstance(found, dict) else {}
    if {name: got.get(name) for name in wanted} != wanted:
        fail(
            sent=sent,
            expected=f"the item of this job: {wanted}",
            got=found,
            cause="`read_row` does not return the item that is stored under `job_id`. "
            "`jobs().get` takes the id and returns the item",
        )
    sent = "read_row(job_id) for an id that no job has"
    found = must_return(sent, code.ask(LISTING, "read_row", new_id(rng)))
    if found is not None:
        fail(
            sent=sent,
            expected="None",
            got=found,
            cause="there is no such item, and the callers of `read_row` compare its result with "
            "None",
        )
