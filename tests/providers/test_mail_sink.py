"""The mail sink: what it records, and how it misbehaves when it is told to."""

from __future__ import annotations

import secrets
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

from bootcamp.ports import free_port, release_port
from bootcamp.providers import Fault, MailSink
from tests.providers.conftest import TOKEN, running


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, int]]:
    port = free_port()
    with running("bootcamp.providers.mail_sink", SMTP_PORT=str(port)) as url:
        yield url, port
    release_port(port)


@pytest.fixture
def sink(addresses: tuple[str, int]) -> Iterator[MailSink]:
    url, port = addresses
    sink = MailSink(url, TOKEN, f"run-{secrets.token_hex(8)}", port)
    yield sink
    sink.close()


def message(subject: str = "News", to: str = "reader@news.test") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "desk@news.test", to, subject
    made.set_content("A lamp was lit.\n.\n..and more\n")
    made.add_alternative("<p>A lamp – lit.</p>", subtype="html")
    return made


@contextmanager
def connected(sink: MailSink, timeout: float = 10) -> Iterator[smtplib.SMTP]:
    url = urlsplit(sink.smtp_url)
    assert url.hostname and url.username and url.password
    with smtplib.SMTP(url.hostname, url.port or 0, timeout=timeout) as server:
        server.login(url.username, url.password)
        yield server


def test_a_message_arrives_as_it_was_sent(sink):
    with connected(sink) as server:
        assert server.send_message(message("Grüße"), to_addrs=["a@x.test", "b@x.test"]) == {}
        server.send_message(message("Second"))
    first, second = sink.wait_for(2, 5)
    assert (first.accepted, first.status, first.fault, first.stage) == (True, 250, None, "accepted")
    assert first.recipients == ("a@x.test", "b@x.test")
    assert first.header("subject") == "Grüße"
    text = first.message.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["A lamp was lit.", ".", "..and more"]
    assert second.sender == "desk@news.test"
    assert [mail.header("subject") for mail in sink.messages("reader@news.test")] == ["Second"]


def test_a_login_is_needed(sink):
    url = urlsplit(sink.smtp_url)
    with (
        smtplib.SMTP(url.hostname or "", url.port or 0, timeout=10) as server,
        pytest.raises(smtplib.SMTPSenderRefused) as refused,
    ):
        server.send_message(message())
    assert refused.value.smtp_code == 530
    assert sink.attempts() == []


@pytest.mark.parametrize("stage", ["sender", "data", "message"])
def test_a_refused_message_is_no_message(sink, stage):
    sink.script(Fault.status(550, on=stage))
    with connected(sink) as server:
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            server.send_message(message())
        server.send_message(message("Later"))  # the connection goes on
    assert refused.value.smtp_code == 550
    failed, later = sink.attempts()
    assert (failed.accepted, failed.status, failed.stage, failed.fault) == (
        (False, 550, stage, "status")
    )
    assert later.accepted


def test_one_recipient_is_refused(sink):
    sink.script(Fault.status(550, on="recipient", matching="gone@"))
    with connected(sink) as server:
        refused = server.send_message(message(), to_addrs=["gone@x.test", "here@x.test"])
    [mail] = sink.messages()
    assert list(refused) == ["gone@x.test"]
    assert (mail.recipients, mail.refused) == (("here@x.test",), ("gone@x.test",))


def test_a_server_that_shuts_down(sink):
    sink.script(Fault.status(421, on="sender"))
    with (
        connected(sink) as server,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        server.send_message(message())
    sink.script(Fault.status(421, on="auth"))
    with pytest.raises(smtplib.SMTPServerDisconnected), connected(sink):
        pass
    with connected(sink) as server:
        server.send_message(message())
    assert [mail.status for mail in sink.attempts()] == [421, 250]


@pytest.mark.parametrize(("stage", "accepted"), [("message", False), ("reply", True)])
def test_a_connection_that_is_lost_before_the_250(sink, stage, accepted):
    sink.script(Fault.drop(on=stage))
    with pytest.raises(smtplib.SMTPServerDisconnected), connected(sink) as server:
        server.send_message(message())
    [mail] = sink.attempts()
    assert (mail.accepted, mail.status, mail.fault) == (accepted, None, "drop")


def test_a_connection_that_is_lost_after_the_250(sink):
    sink.script(Fault.drop(on="after"))
    with connected(sink) as server:
        assert server.send_message(message()) == {}
    assert [(mail.accepted, mail.status) for mail in sink.attempts()] == [(True, 250)]


def test_a_reply_that_is_late(sink):
    sink.script(Fault.slow(3, on="reply"))
    with (
        pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)),
        connected(sink, timeout=0.5) as server,
    ):
        server.send_message(message())
    assert [mail.accepted for mail in sink.attempts()] == [True]


def test_a_message_that_is_too_large(sink):
    with connected(sink) as server:
        server.ehlo()
        server.mail("desk@news.test")
        server.rcpt("reader@news.test")
        code, _ = server.data(b"z" * 900 + b"\r\n" + (b"z" * 900 + b"\r\n") * 1300)
    assert code == 552
    assert [mail.accepted for mail in sink.attempts()] == [False]


def test_runs_do_not_see_one_another(sink, addresses):
    url, port = addresses
    other = MailSink(url, TOKEN, f"run-{secrets.token_hex(8)}", port)
    other.script(Fault.status(550, on="sender"))
    with connected(sink) as server:
        server.send_message(message())
    assert len(sink.messages()) == 1
    assert other.attempts() == []
    other.close()
