"""3.4: one transaction for each document, twice is the same as once, and no old rows are left.

What a submission could fake:
- counts: the number of transactions is not what decides: the state after each break of the connection
  is.
- witness: rows that the grader reads on its own connection.
- place: the connection breaks at each point of a call in turn (test_3_4_whole.py), not at one statement.
- store: chunks, vectors and the document's row are compared with one whole version.
- probe: a lock or a trigger can be looked up in PostgreSQL. The break cannot, because the proxy is there
  in all calls of its test.
"""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, Run, Student, database, fail
from autograder.sdk.database import PUBLIC
from autograder.week03_pipeline import index_rows
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.vectors import DIMENSIONS, agree, sparse

pytestmark = [pytest.mark.item("3.4"), pytest.mark.usefixtures("stores")]

INDEX = "pipeline.steps.index"
INDEX_SECONDS = 30.0


class Version:
    """One version of a document: random chunks and vectors."""

    def __init__(self, rng: Random, count: int) -> None:
        self.filename = f"{made_up(rng, 1)[0]}.pdf"
        self.count = count
        self.rows = [(n, 1 + n // 3, " ".join(made_up(rng, 3))) for n in range(count)]
        self.vectors = [sparse(rng) for _ in range(count)]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """As `index_document` takes them."""
        return [{"position": n, "page": page, "text": text} for n, page, text in self.rows]


def ask(student: Student, document_id: str, version: Version, owner: str = PUBLIC) -> Answer:
    return student.ask(
        INDEX, "index_document",
        document_id, owner, version.filename, version.chunks, version.vectors,
        timeout=INDEX_SECONDS,
    )  # fmt: skip


def write(
    student: Student, sent: str, document_id: str, version: Version, owner: str = PUBLIC
) -> None:
    """Index a version; it must succeed."""
    answer = ask(student, document_id, version, owner)
    if not answer.ok:
        cause = "see the line that is named here"
        if answer.error == "UniqueViolation":
            cause = "the row exists already: an upsert replaces it (ON CONFLICT … DO UPDATE)"
        elif answer.error == "ForeignKeyViolation":
            cause = "a chunk refers to its document's row: write that row first"
        fail(
            sent=sent,
            expected="no exception",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause=cause,
        )
    if answer.value != version.count:
        fail(sent=sent, expected=f"{version.count}, the number of chunks", got=answer.value)


def check(
    run: Run, sent: str, document_id: str, version: Version, cause: str, owner: str = PUBLIC
) -> None:
    """The index holds this version of an owner's document and nothing else of it."""
    found = index_rows.chunks_of(run, document_id, owner)
    if found != version.rows:
        fail(sent=sent, expected=f"the chunks {brief(version.rows)}", got=brief(found), cause=cause)
    if (name := database.filename_of(run, document_id, owner)) != version.filename:
        fail(
            sent=sent, expected=f"the document's row with {version.filename}", got=name, cause=cause
        )
    embeddings = index_rows.vectors_of(run, document_id, owner)
    for position, vector in enumerate(version.vectors):
        if not agree(embeddings[position], vector):
            others = [
                n for n, one in enumerate(version.vectors) if agree(one, embeddings[position])
            ]
            fail(
                sent=sent,
                expected=f"at position {position} the vector that came with it",
                got=f"the vector of position {others[0]}" if others else "another vector",
                cause="a vector is stored with another text, or an old vector was not replaced",
            )


def brief(rows: list[index_rows.Row]) -> str:
    """Rows in a line."""
    shown = ", ".join(f"{n}: p{page} {text[:8]}…" for n, page, text in rows[:6])
    return f"{len(rows)} rows ({shown}{', …' if len(rows) > 6 else ''})" if rows else "no rows"


def test_what_is_indexed(student: Student, run: Run, rng: Random) -> None:
    """a, e: a document that is new."""
    [document_id] = made_up(rng, 1)
    version = Version(rng, 14)
    sent = f"index_document with {version.count} chunks, a document that is new"
    write(student, sent, document_id, version)
    check(run, sent, document_id, version, "a column was left out, or rows were lost")
    check_one_transaction(run, sent, document_id)


def check_one_transaction(run: Run, sent: str, document_id: str) -> None:
    """Every row says which transaction wrote it."""
    text = "SELECT count(*), count(DISTINCT xmin::text) FROM chunks WHERE document_id = %s"
    [(rows, transactions)] = database.query(run, text, document_id)
    if transactions > rows // 2:
        fail(
            sent=sent,
            expected="one transaction for all rows",
            got=f"{transactions} transactions for {rows} rows",
            cause="a connection of the pool commits each statement by itself: open a transaction",
        )


def test_twice_is_once(student: Student, run: Run, rng: Random) -> None:
    """b: the second call replaces each row by itself."""
    [document_id] = made_up(rng, 1)
    version = Version(rng, 5)
    sent = "index_document, twice the same"
    for _ in range(2):
        write(student, sent, document_id, version)
    check(run, sent, document_id, version, "the second call must not change anything")


@pytest.mark.parametrize("count", [7, 6, 3, 0, 11])
def test_a_second_version_replaces_the_first(
    student: Student, run: Run, rng: Random, count: int
) -> None:
    """b, c, d: a shorter version, a longer one, and one without chunks."""
    document_id, neighbour = made_up(rng, 2)
    first, second, other = Version(rng, 7), Version(rng, count), Version(rng, 9)
    sent = f"index_document with 7 chunks, then a new version with {count}"
    write(student, sent, neighbour, other)
    write(student, sent, document_id, first)
    write(student, sent, document_id, second)
    cause = "rows that the new version does not have must be deleted" if count < 7 else ""
    check(
        run,
        sent,
        document_id,
        second,
        cause or "an old row stayed where the new version has another",
    )
    check(
        run,
        f"{sent}; another document",
        neighbour,
        other,
        "a statement changes other documents: it is without its WHERE",
    )


@pytest.mark.parametrize("changed", ["page", "text", "embedding"])
def test_a_row_is_replaced_completely(
    student: Student, run: Run, rng: Random, changed: str
) -> None:
    """b: the new version differs in one column, and the others are as before."""
    [document_id] = made_up(rng, 1)
    first, second = Version(rng, 6), Version(rng, 6)
    second.filename = first.filename
    second.rows = [
        (n, page + 7 * (changed == "page"), new if changed == "text" else text)
        for (n, page, text), (_, _, new) in zip(first.rows, second.rows, strict=True)
    ]
    if changed != "embedding":
        second.vectors = first.vectors
    sent = f"index_document with 6 chunks, then the same with another {changed} in each"
    write(student, sent, document_id, first)
    write(student, sent, document_id, second)
    cause = "an upsert must replace page, text and embedding, whichever of them has changed"
    check(run, sent, document_id, second, cause)


def test_every_file_name_can_be_stored(student: Student, run: Run, rng: Random) -> None:
    """f: PostgreSQL rejects NUL, and UTF-8 has no half of a surrogate pair."""
    document_id, name = made_up(rng, 2)
    version = Version(rng, 3)
    version.filename = f"{name}\0\ud83d.pdf"
    sent = "index_document with a file name that has a NUL and half a surrogate pair"
    answer = ask(student, document_id, version)
    if not answer.ok:
        fail(
            sent=sent,
            expected="no exception",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause="no database stores these characters: write `storable(filename)`",
        )
    version.filename = f"{name}?.pdf"
    check(run, sent, document_id, version, "write `storable(filename)`, and not another name")


def test_owners_share_no_rows(student: Student, run: Run, rng: Random) -> None:
    """c, d: two owners have a document with the same id. What one writes must not change the other's.

    The names contain a quote, which ends a text in SQL unless it is passed as a parameter.
    """
    document_id, neighbour = (f"o'{name}" for name in made_up(rng, 2))
    mine, shorter, theirs = Version(rng, 6), Version(rng, 2), Version(rng, 9)
    sent = "index_document with a document id that another owner has, too"
    cause = "the owner is part of each row's key: name it in every WHERE and ON CONFLICT"
    write(student, sent, document_id, theirs, neighbour)
    for version in (mine, shorter):
        write(student, sent, document_id, version)
        check(run, sent, document_id, version, cause)
        check(run, f"{sent}; that owner's rows", document_id, theirs, cause, neighbour)


def test_all_or_nothing(student: Student, run: Run, rng: Random) -> None:
    """e, g: PostgreSQL rejects the last vector, so the old version must still be there."""
    [document_id] = made_up(rng, 1)
    first, second = Version(rng, 5), Version(rng, 4)
    write(student, "index_document with 5 chunks", document_id, first)
    second.vectors[-1] = second.vectors[-1][: rng.randrange(1, DIMENSIONS)]
    sent = "index_document with a new version whose last vector is too short"
    answer = ask(student, document_id, second)
    if answer.ok:
        fail(
            sent=sent,
            expected="an exception, because this chunk cannot be indexed",
            got=f"{answer.value!r}, and no exception",
            cause="an error of the database was caught and dropped",
        )
    if answer.error in ("NotImplementedError", "NameError", "TypeError", "AttributeError"):
        fail(sent=sent, expected="the database's error", got=f"{answer.error}: {answer.message}")
    check(
        run,
        sent,
        document_id,
        first,
        "half of the new version was committed: put all statements into one transaction",
    )


def test_nobody_sees_a_mixture(student: Student, run: Run, rng: Random) -> None:
    """e: the grader locks a row of the old tail, so the student's code waits in the middle. At that
    moment all other connections must see the whole old version.
    """
    [document_id] = made_up(rng, 1)
    first, second = Version(rng, 7), Version(rng, 4)
    write(student, "index_document with 7 chunks", document_id, first)
    sent = "index_document with 4 chunks in place of 7, while another connection reads"
    writer = Background(student, sent, document_id, second)
    lock = "SELECT 1 FROM chunks WHERE document_id = %s AND position = 5 FOR UPDATE"
    with index_rows.held(run, lock, document_id):
        writer.start()
        index_rows.wait_for_waiting(run, 1, unless=lambda: not writer.is_alive())
        check(
            run,
            sent,
            document_id,
            first,
            "parts of the new version were committed before the rest was done",
        )
    writer.finish()
    check(
        run,
        sent,
        document_id,
        second,
        "the call ended, but the index does not contain the new version",
    )


def test_the_documents_row_is_the_lock(student: Student, run: Run, rng: Random) -> None:
    """f: the grader holds the document's row, as a second worker does. Until it is free, no row of the
    chunks may be changed.
    """
    [document_id] = made_up(rng, 1)
    first, second = Version(rng, 7), Version(rng, 4)
    write(student, "index_document with 7 chunks", document_id, first)
    sent = (
        "index_document with 4 chunks in place of 7, while another worker holds the document's row"
    )
    writer = Background(student, sent, document_id, second)
    lock = "SELECT 1 FROM documents WHERE document_id = %s FOR UPDATE"
    with index_rows.held(run, lock, document_id):
        writer.start()
        index_rows.wait_for_waiting(run, 1, unless=lambda: not writer.is_alive())
        free = index_rows.unlocked(run, document_id)
        if len(free) < first.count:
            taken = sorted(set(range(first.count)) - set(free))
            fail(
                sent=sent,
                expected="no chunk changed before the document's row is free",
                got=f"the chunks at the positions {taken} are changed or deleted already",
                cause="call `upsert_document` first: its row is the lock that a second worker waits for",
            )
    writer.finish()
    check(run, sent, document_id, second, "the call ended without the new version")


def test_an_error_of_the_last_statement(student: Student, run: Run, rng: Random) -> None:
    """g: PostgreSQL refuses to delete the tail. Then nothing of the new version may be written."""
    [document_id] = made_up(rng, 1)
    first, second = Version(rng, 6), Version(rng, 3)
    write(student, "index_document with 6 chunks", document_id, first)
    sent = "index_document with 3 chunks in place of 6, and PostgreSQL refuses to delete"
    with index_rows.no_deletion(run):
        answer = ask(student, document_id, second)
    if answer.ok:
        fail(
            sent=sent,
            expected="the error of the database",
            got=f"{answer.value!r}, and no exception",
            cause="an error of the database was caught and dropped",
        )
    cause = "the new version was committed, although a statement failed"
    check(run, sent, document_id, first, cause)


class Background(threading.Thread):
    """A call of the student's code that has to wait for the grader's lock."""

    def __init__(self, student: Student, sent: str, document_id: str, version: Version) -> None:
        super().__init__(daemon=True)
        self.arguments = student, sent, document_id, version
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            write(*self.arguments)
        except BaseException as failure:
            self.failure = failure

    def finish(self) -> None:
        """Wait until the call has ended, and raise its failure."""
        self.join(INDEX_SECONDS)
        if self.failure is not None:
            raise self.failure
        if self.is_alive():
            raise TimeoutError("the call did not end")
