"""3.0, the first green: one SQL statement counts the chunks of an owner.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned number.
- place: owners and numbers of chunks are random.
- store: only the returned number counts.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Run, Student, database, fail
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.vectors import sparse

pytestmark = [pytest.mark.item("3.0"), pytest.mark.usefixtures("stores")]

COUNTING = "pipeline.steps.counting"
CALL_SECONDS = 15.0
"""The first call also imports everything and opens a connection."""


def test_the_chunks_of_an_owner_are_counted(student: Student, run: Run, rng: Random) -> None:
    """a: the rows of this owner, over all documents."""
    owner, other, unknown = made_up(rng, 3)
    documents = [rng.randint(2, 5) for _ in range(3)]
    for chunks in documents:
        index_document(run, rng, owner, chunks)
    index_document(run, rng, other, rng.randint(7, 9))
    here = f"3 documents with {sum(documents)} chunks, and another owner has one document"
    check(student, run, owner, sum(documents), f"count_chunks of an owner who has {here}")
    check(student, run, unknown, 0, "count_chunks of an owner who has no document")


def index_document(run: Run, rng: Random, owner: str, chunks: int) -> None:
    """Index a document with so many chunks."""
    [document_id] = made_up(rng, 1)
    with database.connect(run) as connection, connection.transaction():
        connection.execute(
            "INSERT INTO documents (document_id, owner, filename) VALUES (%s, %s, 'count.pdf')",
            (document_id, owner),
        )
        for position in range(chunks):
            connection.execute(
                "INSERT INTO chunks (document_id, owner, position, page, text, embedding) "
                "VALUES (%s, %s, %s, 1, 'a chunk', %s::real[]::vector)",
                (document_id, owner, position, sparse(rng)),
            )


def check(student: Student, run: Run, owner: str, expected: int, sent: str) -> None:
    answer = student.ask(COUNTING, "count_chunks", owner, timeout=CALL_SECONDS)
    if not answer.ok:
        fail(
            sent=sent,
            expected=str(expected),
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause="the call must not raise: see the line that is named here",
        )
    if type(answer.value) is not int or answer.value != expected:
        fail(sent=sent, expected=str(expected), got=answer.value, cause=why_not(run, answer.value))


def why_not(run: Run, count: object) -> str:
    """What was counted, if not the chunks of the owner."""
    [(everything,)] = database.query(run, "SELECT count(*) FROM chunks")
    if count == everything:
        return "these are the chunks of every owner: filter by `owner` in the WHERE"
    return "count the rows of `chunks`, not those of `documents`, and return the number"
