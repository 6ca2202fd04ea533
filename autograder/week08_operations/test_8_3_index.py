"""8.3: nothing of a cancelled job stays in the index, and a late write is refused.

What a submission could fake:
- counts: reads of the row are counted by the proxy, and both more and fewer lose.
- witness: the index on the grader's own connection, the row, and the journal of the provider.
- place: ids and owners are random, and all states of a job are tried.
- store: documents, chunks, the table `withdrawn`, the row and the journal must agree.
- probe: another connection holds a table or a row, and looks meanwhile at what can be seen. A check of a
  step runs in the calling process, and in a real worker for a job that is cancelled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest

from autograder.sdk import Fault, OpenAIControl, Run, Student, Worker, fail, made, until
from autograder.sdk.answers import Code, must_return, plain
from autograder.sdk.database import connect
from autograder.sdk.jobs_table import JobsTable, job, new_id
from autograder.week08_operations.overdue import code, stored

__all__ = ["code"]  # a fixture

pytestmark = pytest.mark.item("8.3")

CANCEL = "pipeline.tasks.cancellation"
VECTOR = "[" + ",".join(["0.5"] * 1536) + "]"
WAIT_SECONDS = 20.0


def write(database: psycopg.Connection[Any], document_id: str, owner: str) -> None:
    """Write a document and a chunk, as the last step does."""
    document = "INSERT INTO documents (document_id, owner, filename) VALUES (%s, %s, 'a.txt')"
    database.execute(document, [document_id, owner])
    chunk = (
        "INSERT INTO chunks (document_id, owner, position, page, text, embedding) "
        "VALUES (%s, %s, 0, 1, 'The lamp.', %s::vector)"
    )
    database.execute(chunk, [document_id, owner, VECTOR])


def indexed(database: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """The documents and chunks that there are, by id and owner."""
    both = "SELECT document_id, owner FROM documents UNION SELECT document_id, owner FROM chunks"
    return set(database.execute(both).fetchall())


@pytest.fixture
def database(run: Run, stores: None) -> Any:
    """The index, without documents of earlier checks."""
    with connect(run) as database:
        database.execute("DELETE FROM documents")
        yield database


def test_withdraw(code: Code, database: psycopg.Connection[Any], rng: Random) -> None:
    """d, f: one document is removed, and cannot be written again. A second call is no error."""
    one, other = new_id(rng), new_id(rng)
    kept = {(other, "public"), (one, "you")}
    for document_id, owner in {*kept, (one, "public")}:
        write(database, document_id, owner)
    sent = "withdraw() of one of three documents"
    must_return(sent, code.ask(CANCEL, "withdraw", one, "public"))
    if indexed(database) != kept:
        cause = "delete the document of this id and this owner alone"
        fail(sent=sent, expected="the two others stay", got=sorted(indexed(database)), cause=cause)
    must_return("a second withdraw()", code.ask(CANCEL, "withdraw", one, "public"))
    never = new_id(rng)
    must_return(
        "withdraw() before the document is written", code.ask(CANCEL, "withdraw", never, "me")
    )
    for document_id, owner in ((one, "public"), (never, "me")):
        try:
            write(database, document_id, owner)
        except psycopg.IntegrityError:
            continue
        fail(
            sent="a write of a withdrawn document by a late worker",
            expected="PostgreSQL refuses it",
            got="the document is in the index again",
            cause="execute `WITHDRAW` too: the trigger refuses what is in `withdrawn`",
        )
    bad = code.ask(CANCEL, "withdraw", "\0", "me")
    if bad.ok:
        fail(sent="withdraw('\\0', …), which PostgreSQL refuses", expected="the error", got="none")


def test_a_late_worker(
    code: Code, run: Run, database: psycopg.Connection[Any], rng: Random
) -> None:
    """e: a worker is in the middle of its transaction: the removal waits, and then sees its rows."""
    one = new_id(rng)
    with psycopg.connect(run.database_url) as late:
        write(late, one, "public")
        thread = threading.Timer(1.0, late.commit)
        thread.start()
        answer = code.ask(CANCEL, "withdraw", one, "public", timeout=WAIT_SECONDS)
        thread.join()
    sent = "withdraw() while a worker writes the document, and commits a second later"
    must_return(sent, answer)
    if indexed(database):
        fail(
            sent=sent,
            expected="nothing of the document is left",
            got="its rows are in the index",
            cause="execute `LOCK_DOCUMENT` first, in the same transaction",
        )


@pytest.mark.parametrize("place", ["withdrawn", "documents"])
def test_one_transaction(
    code: Code, run: Run, database: psycopg.Connection[Any], rng: Random, place: str
) -> None:
    """d, e: the lock is held to the commit, and nobody sees a part of it before that."""
    one = new_id(rng)
    write(database, one, "public")
    found: list[tuple[bool, bool, bool]] = []

    def look(blocker: psycopg.Connection[Any]) -> None:
        time.sleep(1.0)  # the call waits for the table by then
        ask = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s || E'\\n' || %s, 0))"
        marked = "SELECT 1 FROM withdrawn WHERE document_id = %s"
        with connect(run) as other:
            free = other.execute(ask, [one, "public"]).fetchone() == (True,)
            there = (one, "public") in indexed(other)
            found.append((free, there, bool(other.execute(marked, [one]).fetchone())))
        blocker.rollback()

    with psycopg.connect(run.database_url) as blocker:
        if place == "withdrawn":
            blocker.execute("LOCK TABLE withdrawn IN EXCLUSIVE MODE")
        else:
            blocker.execute("SELECT 1 FROM documents WHERE document_id = %s FOR UPDATE", [one])
        thread = threading.Thread(target=look, args=[blocker])
        thread.start()
        answer = code.ask(CANCEL, "withdraw", one, "public", timeout=WAIT_SECONDS)
        thread.join()
    sent = f"withdraw(), stopped at its write into `{place}`"
    must_return(sent, answer)
    [(free, there, marked)] = found
    if free or not there or marked:
        got = "the lock is free, so a late worker can write the document now"
        if not free:
            got = "it is withdrawn already" if marked else "it is deleted already"
        fail(
            sent=sent,
            expected="it holds the lock of the document, which is as before for everybody else",
            got=got,
            cause="the three statements are not one transaction: `with database.transaction():`",
        )
    if indexed(database):
        fail(sent=sent, expected="nothing of the document is left", got="its rows are there")


def test_every_end(code: Code, database: psycopg.Connection[Any], rng: Random) -> None:
    """i, j: the document of a cancelled job is withdrawn. After any other end it stays."""
    for status in ("cancelled", "completed", "failed"):
        row = job(rng, status)
        write(database, row["id"], row["owner"])
        ended = made("pipeline.models.job", "Job.from_item", plain(row))
        sent = f"Cancellation.ended() of a job that is {status}"
        must_return(
            sent, code.ask(CANCEL, "Cancellation.ended", made(CANCEL, "Cancellation"), ended)
        )
        there = (row["id"], row["owner"]) in indexed(database)
        if there == (status == "cancelled"):
            expected = "its document is removed" if status == "cancelled" else "its document stays"
            fail(sent=sent, expected=expected, got="it is there" if there else "it is gone")


@pytest.fixture
def cancelling(student: Student, stores: None) -> Iterator[Worker]:
    """A worker. It takes no jobs of other items."""
    worker = student.start_worker("cancelling")
    yield worker
    worker.kill()


def test_a_running_step(
    student: Student,
    cancelling: Worker,
    run: Run,
    openai: OpenAIControl,
    database: psycopg.Connection[Any],
    rng: Random,
) -> None:
    """a, b, g: a step that embeds many batches stops soon after its job was cancelled."""
    table = JobsTable(run)
    openai.script(Fault.slow(0.8, times=None))
    mark = f"{rng.getrandbits(64):x}"
    text = "\n\n".join(f"Lamp {n} {mark} " + "word " * 1_500 for n in range(600))
    row = stored(run, table, rng, text)
    student.call(
        "pipeline.lifecycle.publishing",
        "publish",
        made("pipeline.documents", "DocumentRef", **row["document"], owner="public"),
    )

    def requests() -> int:
        return sum(mark in " ".join(one.inputs[:1]) for one in openai.journal("embeddings"))

    if until(lambda: requests() >= 2, WAIT_SECONDS) is None:
        got = plain(table.get(row["id"]) or {}).get("status")
        fail(sent="a long document", expected="it is embedded", got=got, log=cancelling.tail())
    student.call("pipeline.lifecycle.ending", "cancel", row["id"], "public")
    time.sleep(3.5)
    after = requests()
    time.sleep(2.5)
    if requests() != after:
        fail(
            sent="a job that is cancelled while it embeds, 3.5 s later",
            expected="the step has stopped",
            got="it sends further requests to the provider",
            cause="the check has to raise `JobCancelled`",
            log=cancelling.tail(),
        )
    found = table.get(row["id"]) or {}
    if found.get("status") != "cancelled" or "dead_letter" in found or "failures" in found:
        got = plain({name: found.get(name) for name in ("status", "failures", "dead_letter")})
        fail(sent="the same job", expected="cancelled, no failure, no dead letter", got=got)
    if indexed(database):
        fail(sent="the same job", expected="nothing in the index", got=sorted(indexed(database)))
