"""7.4: `GET /stats` counts the owner's rows.

Promises checked here, by their letters in the TODOs: d (`recent_counts`).
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, fail
from autograder.sdk.jobs_table import STATES, JobsTable, moment
from autograder.week07_dashboard.changes import STRANGER, Changes, row
from autograder.week07_dashboard.conftest import STATS_SECONDS
from autograder.week07_dashboard.counting import age_of, stats

pytestmark = pytest.mark.item("7.4")


def fresh(api: Api) -> dict[str, Any]:
    """Counts that began after this call."""
    called = time.time()
    while age_of(found := stats(api)) > time.time() - called:
        if time.time() > called + 10 * STATS_SECONDS:
            cause = "count again when the last count's `as_of` is too long ago"
            expected = f"counts that are at most {STATS_SECONDS:g} s old"
            fail(sent="GET /stats", expected=expected, got=f"as of {found['as_of']}", cause=cause)
        time.sleep(0.1)
    return found


def test_counts(api: Api, table: JobsTable, changes: Changes, rng: Random) -> None:
    """d: the rows are counted. Messages alone count nothing, and rows need none."""
    stats(api)
    table.clear()
    wanted = {state: rng.randint(1, 5) for state in STATES}
    rows = [row(rng, state) for state, number in wanted.items() for _ in range(number)]
    expired = [row(rng, "completed", expires_at=int(moment(-50))) for _ in range(2)]
    table.put(*rows, *expired, *[row(rng, state, STRANGER) for state in STATES])
    changes.publish(*[row(rng) for _ in range(3)], *rows[:2], *rows[:2])  # lost, repeated, late
    found = fresh(api)
    counted = {state: found["by_status"].get(state) for state in STATES}
    cause = "`count_jobs` counts the rows. A sum of changes drifts: messages get lost, rows expire"
    if counted != wanted:
        sent = "GET /stats, after rows were written, others expired, and changes were published"
        fail(sent=sent, expected=str(wanted), got=str(counted), cause=cause)
    if found["total"] != sum(wanted.values()):
        expected = f"total {sum(wanted.values())}, their sum"
        fail(sent="GET /stats", expected=expected, got=found["total"], cause=cause)
