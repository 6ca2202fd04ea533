"""9.6: claim, send, record: nothing is lost, and a crash repeats one message under its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from autograder.sdk import (
    Fault,
    MailSink,
    Run,
    Student,
    answers,
    fail,
    made,
    race,
    until,
)
from autograder.sdk.database import kept_connection
from autograder.week09_news.digest_cases import (
    DIGEST,
    MODEL,
    Reader,
    desk,
    digest_argument,
    end_lease,
    near,
    put_row,
    row_of,
    some_day,
    stored,
    story,
    unchanged,
    word,
)

pytestmark = pytest.mark.item("9.6")

LEASE_SECONDS, RETRY_SECONDS = 180, 300
"""What the settings say."""
RACERS = 6
DIGEST_HOUR = 7
STEP_SECONDS = 30.0
"""How long a process may take to come to the mail server, or to end."""
HELD_SECONDS = 100
"""How long the server holds a message. The process that is killed waits as long."""
RUN = ["-m", "pipeline.news.digest_run"]


class Case:
    """A digest for one reader, and what became of it."""

    def __init__(self, student: Student, run: Run, sink: MailSink, rng: Random) -> None:
        self.day, self.reader = some_day(rng), stored(run, rng)
        self.desk = desk(rng)
        self._student, self._run, self._sink = student, run, sink
        self._digest = digest_argument(self.day, [story(rng)])

    @property
    def arguments(self) -> list[Any]:
        return [self._digest, self.reader.argument, made(MODEL, "Desk", **self.desk)]

    def send(self, sent: str) -> str | None:
        """The kind of the outcome of `send_one`, or None where it did nothing."""
        value = answers.must_return(
            sent, self._student.ask(DIGEST, "send_one", *self.arguments, timeout=30)
        )
        if value is not None and (not isinstance(value, dict) or "kind" not in value):
            fail(sent=sent, expected="an `Outcome`, or None", got=value)
        return None if value is None else str(value["kind"])

    @property
    def row(self) -> dict[str, Any]:
        return row_of(self._run, self.day, self.reader)

    @property
    def received(self) -> list[str]:
        """The ids of the messages that the server has accepted for this reader."""
        mails = self._sink.messages(self.reader.address)
        return [one.header("Message-ID") or "" for one in mails]


@pytest.fixture
def case(student: Student, run: Run, stores: None, mail_sink: MailSink, rng: Random) -> Case:
    """A digest that nobody has sent."""
    return Case(student, run, mail_sink, rng)


def test_a_digest_is_sent_once(case: Case) -> None:
    """v, w, x: claimed, sent under the id of the row, recorded, and not sent again."""
    sent = "send_one() of a new digest"
    kind = case.send(sent)
    if kind != "sent":
        fail(sent=sent, expected="Outcome('sent')", got=str(kind))
    row = case.row
    if not row or row["sent_at"] is None:
        cause = "after the 250: `record`, with the claim and the outcome"
        fail(sent=sent, expected="a row with `sent_at`", got=str(row), cause=cause)
    if case.received != [row["message_id"]]:
        cause = "the message carries the id of the claim"
        fail(
            sent=sent,
            expected=f"one message {row['message_id']}",
            got=str(case.received),
            cause=cause,
        )
    if not near(row["lease"], LEASE_SECONDS):
        expected = f"a claim of `settings.digest_lease_seconds`, {LEASE_SECONDS} s"
        fail(sent=sent, expected=expected, got=f"{row['lease']:.0f} s")
    again = case.send("send_one() a second time")
    if again is not None or len(case.received) != 1:
        fail(
            sent="send_one() of a digest that was sent",
            expected="None, and no second message",
            got=f"{again}, and {len(case.received)} messages",
            cause="without a claim there is nothing to send",
        )


def test_another_worker_is_sending(case: Case, run: Run) -> None:
    """v: a claim of somebody else is respected."""
    put_row(run, case.day, case.reader, lease=60)
    before = case.row
    kind = case.send("send_one() while another worker holds the claim")
    if kind is not None or case.received or not unchanged(before, case.row):
        fail(
            sent="send_one() while another worker holds the claim",
            expected="None, no message, and the row as it was",
            got=f"{kind}, {len(case.received)} messages, {case.row}",
            cause="claim before you send, and return None where `claim` does",
        )


def test_the_message_has_the_id_of_its_row(case: Case, run: Run, rng: Random) -> None:
    """w: also if this process would choose another one, after a change of the domain."""
    message_id = f"<{word(rng)}@old-domain.test>"
    put_row(run, case.day, case.reader, message_id=message_id)
    kind = case.send("send_one() of a digest that was tried before")
    if kind != "sent" or case.received != [message_id]:
        fail(
            sent="send_one() of a digest that was tried before under another domain",
            expected=f"one message {message_id}",
            got=f"{kind}, {case.received}",
            cause="take the id of the claim: a mail program knows a repeated message by it",
        )


def test_every_outcome_is_recorded(
    student: Student, run: Run, stores: None, mail_sink: MailSink, rng: Random
) -> None:
    """x: refused and deferred too; the deferred message is sent later, under its id."""
    refused = Case(student, run, mail_sink, rng)
    mail_sink.script(Fault.status(550, on="recipient"))
    kind = refused.send("send_one() to an address that is gone")
    if kind != "refused" or refused.row.get("failed_at") is None:
        cause = "`record` every outcome, and return it"
        got = f"{kind}, {refused.row}"
        fail(sent="send_one(), refused with 550", expected="failed_at", got=got, cause=cause)
    later = Case(student, run, mail_sink, rng)
    mail_sink.script(Fault.status(451, on="message"))
    kind = later.send("send_one() to a busy server")
    row = later.row
    if kind != "deferred" or not near(row.get("lease"), RETRY_SECONDS):
        expected = f"a lease that ends in `settings.digest_retry_seconds`, {RETRY_SECONDS} s"
        got = f"{kind}, {row}"
        fail(sent="send_one(), deferred with 451", expected=expected, got=got)
    end_lease(run)
    kind = later.send("send_one() of a deferred digest")
    if kind != "sent" or later.received != [row["message_id"]]:
        got = f"{kind}, {later.received}"
        fail(sent="send_one() when a deferred digest is due", expected="it is sent", got=got)


def test_many_workers_send_one_message(student: Student, case: Case) -> None:
    """v: at the same moment."""
    sent = f"{RACERS} workers send the same digest at the same moment"
    results = race(student, sent, DIGEST, "send_one", [case.arguments] * RACERS)
    wrong = next((one for one in results if not one.ok), None)
    if wrong:
        answers.must_return(sent, wrong)
    kinds = sorted(str(one.value["kind"]) for one in results if one.value)
    if len(case.received) != 1 or kinds != ["sent"]:
        fail(
            sent=sent,
            expected="one message: one worker sends it, and the others return None",
            got=f"{len(case.received)} messages, outcomes {kinds}",
            cause="only the worker with the claim sends",
        )


def test_a_250_that_is_lost(case: Case, run: Run, mail_sink: MailSink) -> None:
    """w, x: the message is repeated, and the reader's mail program sees that it is the same."""
    mail_sink.script(Fault.drop(on="reply"))
    first = case.send("send_one(), and the 250 is lost")
    if first != "deferred" or case.row.get("sent_at") is not None:
        got = f"{first}, {case.row}"
        fail(sent="send_one(), and the 250 is lost", expected="deferred", got=got)
    end_lease(run)
    second = case.send("send_one() after a 250 was lost")
    if second != "sent" or len(case.received) != 2 or len(set(case.received)) != 1:
        fail(
            sent="send_one() twice, because the first 250 was lost",
            expected="two messages with one Message-ID",
            got=f"{second}, {case.received}",
            cause="the id of the row is the id of the message, at every try",
        )


# -- a process that dies --------------------------------------------------------------------------


@pytest.fixture
def readers(run: Run, stores: None, rng: Random) -> Iterator[list[Reader]]:
    """Two subscribers, and an article in today's digest. The others have left."""
    database = kept_connection(run)
    database.execute("UPDATE subscribers SET left_at = now()")
    two = [stored(run, rng) for _ in range(2)]
    due = datetime.combine(current_day(), time(DIGEST_HOUR), UTC)
    for published in (due - timedelta(hours=1), due + timedelta(hours=23)):
        title, key = f"A lamp {word(rng)}", UUID(int=rng.getrandbits(128), version=4)
        digest = hashlib.sha256(title.encode()).digest()
        database.execute(
            "INSERT INTO articles (article_id, url, content_hash, title, text, published_at)"
            " VALUES (%s, %s, %s, %s, 'It is lit.', %s)",
            (key, f"https://feed.test/{word(rng)}", digest, title, published),
        )
        database.execute(
            "INSERT INTO article_summaries (article_id, summary, model, tokens, embedding)"
            " VALUES (%s, 'A lamp is lit.', 'model', 1, %s::vector)",
            (key, str([1.0] * 1536)),
        )
    yield two
    database.execute("UPDATE subscribers SET left_at = now()")
    database.execute("DELETE FROM articles")


def current_day() -> date:
    """The day of the digest that is due now."""
    return (datetime.now(UTC) - timedelta(hours=DIGEST_HOUR)).date()


def rows(run: Run, readers: list[Reader]) -> list[dict[str, Any]]:
    """The rows that there are of these readers, of today and yesterday."""
    day = current_day()
    found = [row_of(run, one, who) for who in readers for one in (day, day - timedelta(days=1))]
    return [one for one in found if one]


def run_to_end(student: Student, sent: str) -> None:
    """Run `send_due` in a process, to its end."""
    process = student.process("digest", RUN)
    if until(lambda: not process.alive, STEP_SECONDS) is None:
        process.kill(group=True)
        fail(sent=sent, expected="an end within half a minute", got="it still runs")


def check_all_have_one(
    run: Run, mail_sink: MailSink, readers: list[Reader], sent: str, repeated: int
) -> None:
    """Everybody has the digest under one id, and only one message was repeated, if any."""
    ids = [[one.header("Message-ID") for one in mail_sink.messages(who.address)] for who in readers]
    copies = sorted(len(one) for one in ids)
    unsent = [one for one in rows(run, readers) if one["sent_at"] is None]
    if unsent or copies != [1, 1 + repeated] or any(len(set(one)) != 1 for one in ids):
        fail(
            sent=sent,
            expected=f"a message for each of two readers; {repeated} repeated, under its id",
            got=f"messages: {ids}, rows without sent_at: {len(unsent)}",
            cause="a claim whose lease has ended is taken over, and its message keeps its id",
        )


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_process_dies(
    student: Student,
    run: Run,
    readers: list[Reader],
    mail_sink: MailSink,
    stage: str,
) -> None:
    """v, w, x: killed before the server has the message, or after, and before the record."""
    before = stage == "before"
    mail_sink.script(Fault.slow(HELD_SECONDS, on="sender" if before else "reply"))
    patience = {"SMTP_TIMEOUT_SECONDS": str(HELD_SECONDS)}
    process = student.process("digest", RUN, env=patience)
    where = "before the server has accepted the message" if before else "before the server's 250"
    sent = f"send_due(), where the process is killed {where}"

    def held() -> bool:
        return bool(rows(run, readers) if before else mail_sink.messages())

    if until(held, STEP_SECONDS) is None:
        process.kill(group=True)
        cause = "the claim is committed first, and the message is sent then"
        expected = "a claimed row" if before else "a message at the server"
        fail(
            sent=sent,
            expected=expected,
            got="none within half a minute",
            cause=cause,
            log=student.tail(process),
        )
    found = rows(run, readers)
    process.kill(group=True)
    open_rows = [one for one in found if one["sent_at"] is None and one["lease"] > 0]
    if len(open_rows) != 1:
        cause = "claim, and commit, before the server sees the message: a crash is seen by the row"
        got = f"rows: {found}"
        fail(sent=sent, expected="one claim whose lease runs", got=got, cause=cause)
    if before:
        mail_sink.clear()  # the process may have died before it met the fault
    end_lease(run)
    run_to_end(student, sent)
    check_all_have_one(run, mail_sink, readers, sent, 0 if before else 1)
    run_to_end(student, sent)
    check_all_have_one(run, mail_sink, readers, f"{sent}; a third run", 0 if before else 1)
