"""9.6: a message and the mail server, with everything that a server answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, MailSink, Student, answers, fail, made
from autograder.sdk.network import free_port, release_port
from autograder.week09_news.digest_cases import DIGEST, SETTINGS, word

pytestmark = pytest.mark.item("9.6")

PATIENCE_SECONDS = 3.0
"""How long the student's code waits for an answer, in the test of a server that gives none."""


def message(rng: Random) -> tuple[str, dict[str, Any]]:
    """The id of a message, and the message as an argument."""
    identity = f"<{word(rng)}@desk.test>"
    lines = (
        "From: desk@desk.test",
        f"To: {word(rng)}@mail.test",
        "Subject: News",
        f"Message-ID: {identity}",
        "",
        "The lamp is lit.",
    )
    kind = made("builtins", "getattr", made("importlib", "import_module", "email.policy"), "SMTP")
    return identity, made("email", "message_from_string", "\r\n".join(lines), policy=kind)


def outcome(student: Student, sent: str, rng: Random) -> tuple[str, str, str]:
    """Send a message: the kind of its outcome, the reason, and the id of the message."""
    identity, argument = message(rng)
    value = answers.must_return(sent, student.ask(DIGEST, "send", argument, timeout=30))
    if not isinstance(value, dict) or set(value) != {"kind", "reason"}:
        fail(sent=sent, expected="an `Outcome`", got=value)
    return str(value["kind"]), str(value["reason"]), identity


def check(sent: str, got: tuple[str, str, str], kind: str, cause: str) -> None:
    """The outcome must be of this kind, with a reason."""
    if got[0] != kind:
        fail(sent=sent, expected=f"Outcome({kind!r})", got=f"Outcome{got[:2]}", cause=cause)
    if kind != "sent" and not got[1].strip():
        cause = "somebody reads `last_error` to find out why"
        fail(sent=sent, expected="a reason", got=repr(got[1]), cause=cause)
    if "\0" in got[1]:
        cause = "PostgreSQL does not store a NUL, so the outcome could not be recorded"
        fail(sent=sent, expected="a reason without NUL", got=repr(got[1]), cause=cause)


def test_a_message_is_accepted(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """n: one message, one 250, one outcome."""
    got = outcome(student, "send() to a server that accepts it", rng)
    check("send() to a server that accepts it", got, "sent", "the server has answered 250")
    ids = [one.header("Message-ID") for one in mail_sink.attempts()]
    if ids != [got[2]]:
        fail(sent="send() of one message", expected=f"one message {got[2]}", got=str(ids))


def test_what_happens_after_the_250(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """n: the message is the server's, whatever becomes of the connection."""
    for fault, what in (
        (Fault.drop(on="after"), "closes the connection after its 250"),
        (Fault.status(421, on="after"), "answers QUIT with 421, after its 250"),
    ):
        mail_sink.clear()
        mail_sink.script(fault)
        sent = f"send() to a server that {what}"
        cause = "the message was accepted before. If it counts as deferred, it is sent twice"
        check(sent, outcome(student, sent, rng), "sent", cause)


def test_refused_for_good(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """o, q: the recipient or the message is refused, and no retry changes that."""
    for code in (500, 550, *rng.sample(range(501, 600), 3)):
        for stage, what in (("recipient", "RCPT TO"), ("message", "the message")):
            mail_sink.clear()
            mail_sink.script(Fault.status(code, on=stage, body=f"no {word(rng)}"))
            sent = f"send() to a server that answers {code} to {what}"
            cause = "a code of 500 or more is final: `SMTPRecipientsRefused` and `SMTPDataError`"
            check(sent, outcome(student, sent, rng), "refused", cause)


def test_try_again_later(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """p, q: everything else may pass, so the message is sent later."""
    later = "a code below 500 says: try again later"
    ours = "the login or the sender is refused: that is about this desk, and not about this reader"
    lost = "nobody knows whether it was accepted, so it is sent again, under the same id"
    codes = rng.sample([code for code in range(400, 499) if code != 421], 2)
    cases: list[tuple[Fault, str, str]] = [
        *(
            (Fault.status(code, on=stage), f"answers {code} to the {stage}", later)
            for code, stage in zip(codes, ("recipient", "message"), strict=True)
        ),
        (Fault.status(450, on="recipient"), "answers 450 to RCPT TO", later),
        (Fault.status(421, on="recipient"), "answers 421 to RCPT TO, and leaves", later),
        (Fault.status(499, on="recipient"), "answers 499 to RCPT TO", later),
        (Fault.status(451, on="message"), "answers 451 to the message", later),
        (Fault.status(499, on="message"), "answers 499 to the message", later),
        (Fault.status(421, on="sender"), "answers 421 to MAIL FROM, and leaves", later),
        (Fault.status(550, on="sender"), "answers 550 to MAIL FROM", ours),
        (Fault.status(535, on="auth", times=2), "answers 535 to the login", ours),
        (Fault.drop(on="auth"), "closes the connection during the login", lost),
        (Fault.drop(on="message"), "closes the connection before it accepts the message", lost),
        (
            Fault.drop(on="reply"),
            "accepts the message, and closes the connection before its 250",
            lost,
        ),
    ]
    for fault, what, cause in cases:
        mail_sink.clear()
        mail_sink.script(fault)
        sent = f"send() to a server that {what}"
        check(sent, outcome(student, sent, rng), "deferred", cause)
        if len(mail_sink.attempts()) > 1:
            why = "the next run tries again. Two layers of retries multiply"
            got = f"{len(mail_sink.attempts())} attempts"
            fail(sent=sent, expected="one attempt", got=got, cause=why)


@contextmanager
def setting(student: Student, name: str, value: object) -> Iterator[None]:
    """Another setting in the student's process."""
    settings = made(SETTINGS, "digest_settings")
    student.call("builtins", "setattr", settings, name, value)
    try:
        yield
    finally:
        student.renew()


def test_a_server_that_does_not_answer(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """p: it hangs after it has accepted the message."""
    mail_sink.script(Fault.timeout(on="reply", seconds=30))
    sent = f"send() to a server that gives no 250, with a limit of {PATIENCE_SECONDS:g} s"
    with setting(student, "smtp_timeout_seconds", PATIENCE_SECONDS):
        got = outcome(student, sent, rng)
    check(sent, got, "deferred", "a timeout is an `OSError` or `SMTPServerDisconnected`")


def test_a_server_that_is_not_there(student: Student, rng: Random) -> None:
    """p: nothing listens on the port."""
    port, sent = free_port(), "send() while no mail server is running"
    try:
        with setting(student, "smtp_url", f"smtp://127.0.0.1:{port}"):
            got = outcome(student, sent, rng)
    finally:
        release_port(port)
    check(sent, got, "deferred", "a refused connection is an `OSError`, no `SMTPException`")


def test_a_nul_in_the_answer(student: Student, mail_sink: MailSink, rng: Random) -> None:
    """q: the text of the server contains what PostgreSQL does not store."""
    for code, kind in ((450, "deferred"), (550, "refused")):
        for stage in ("recipient", "message"):
            mail_sink.clear()
            mail_sink.script(Fault.status(code, on=stage, body=f"no\0{word(rng)}"))
            sent = f"send() to a server whose answer {code} to the {stage} contains a NUL"
            cause = "the code decides, whatever the text is"
            check(sent, outcome(student, sent, rng), kind, cause)
