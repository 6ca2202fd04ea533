"""3.4: the connection to PostgreSQL breaks at each point of a call, and the index has one whole version."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from autograder.sdk import Run, Student, database, fail
from autograder.week03_pipeline import index_rows
from autograder.week03_pipeline.cut_proxy import CutProxy
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.test_3_4_index import Version, ask, brief, check, write

pytestmark = [pytest.mark.item("3.4"), pytest.mark.usefixtures("stores")]

MOST_PIECES = 60
"""The reference sends fewer than ten pieces of requests in a call."""


@pytest.fixture
def proxy(student: Student, run: Run) -> Iterator[CutProxy]:
    """The proxy that the student's code takes for PostgreSQL, for the length of one test."""
    proxy = CutProxy(run.database_url)
    kept = student.env["DATABASE_URL"]
    student.env["DATABASE_URL"] = proxy.url
    student.renew()
    yield proxy
    student.env["DATABASE_URL"] = kept
    student.renew()
    proxy.close()


@pytest.mark.parametrize("count", [3, 7], ids=["shorter", "longer"])
def test_a_connection_that_breaks(
    student: Student, run: Run, proxy: CutProxy, rng: Random, count: int
) -> None:
    """e, g: after 0, 1, 2, … pieces of the call's requests, until a call is not interrupted any more."""
    for pieces in range(MOST_PIECES):
        [document_id] = made_up(rng, 1)
        first, second = Version(rng, 5), Version(rng, count)
        write(student, "index_document with 5 chunks", document_id, first)
        with proxy.cutting(pieces):
            answer = ask(student, document_id, second)
        sent = (
            f"index_document with {count} chunks in place of 5, and the connection breaks during it"
        )
        if not proxy.came:
            check(run, sent, document_id, second, "the call ended without the new version")
            return
        new = check_whole(run, sent, document_id, first, second)
        if answer.ok and new:
            return  # all was written, and the cut met the farewell of the connection
        if answer.ok:
            fail(
                sent=sent,
                expected="the error of the database",
                got=f"{answer.value!r}, and no exception",
                cause="an error of the database was caught and dropped",
            )
    fail(
        sent="index_document with a few chunks",
        expected=f"fewer than {MOST_PIECES} requests to PostgreSQL",
        got=f"more than {MOST_PIECES}",
        cause="there are far more statements than rows: `executemany` runs one for all of them",
    )


def check_whole(run: Run, sent: str, document_id: str, first: Version, second: Version) -> bool:
    """The index has one of the two versions, and nothing of the other one. Is it the second?"""
    found = index_rows.chunks_of(run, document_id)
    name = database.filename_of(run, document_id)
    for version in (first, second):
        if (found, name) == (version.rows, version.filename):
            return version is second
    whole = "the old version" if name == first.filename else "the new version"
    fail(
        sent=sent,
        expected="the whole old version, or the whole new one",
        got=f"the document's row of {whole}, and {brief(found)}",
        cause="there is more than one transaction, so a part was committed before the rest: put all "
        "statements into one transaction",
    )
