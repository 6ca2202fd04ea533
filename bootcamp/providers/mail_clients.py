"""What graders, tests and the demo use to script the mail sink and to read what it received."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import Any

from bootcamp.ports import LOOPBACK
from bootcamp.providers.clients import Control

PASSWORD = "local"  # noqa: S105 - the sink takes any
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Mail:
    """One SMTP transaction of an account, from MAIL FROM on.

    `stage` is the last stage it reached: "sender", "recipient", "data", "message" or "accepted".
    `status` is the last code of SMTP that the client was sent for it, or None where the connection
    was lost. `refused` are the recipients that a fault refused. `content` is the message byte for
    byte. Times and `fault` are as in `JournalEntry`; `received_at` is seconds since 1970.
    """

    sequence: int
    started: float
    ended: float | None
    status: int | None
    in_flight: int
    fault: str | None
    stage: str
    sender: str
    recipients: tuple[str, ...]
    refused: tuple[str, ...]
    content: bytes
    received_at: float

    @property
    def accepted(self) -> bool:
        """Whether the sink has taken the message over, even if its 250 was lost."""
        return self.stage == ACCEPTED

    @cached_property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.content, policy=policy.default)

    def header(self, name: str) -> str | None:
        """The decoded value of the first header of this name, in any case."""
        value = self.message[name]
        return None if value is None else str(value)


class MailSink(Control):
    """Script the mail sink for one run, and read what it received.

    Args:
        url: the sink's control address.
        token: the stack's control token.
        run: a name that nobody else uses; it is the user name of SMTP.
        smtp_port: the port of SMTP.
    """

    def __init__(self, url: str, token: str, run: str, smtp_port: int) -> None:
        super().__init__(url, token, run)
        self.run = run
        self.smtp_url = f"smtp://{run}:{PASSWORD}@{LOOPBACK}:{smtp_port}"

    def attempts(self) -> list[Mail]:
        """Every transaction of this run that has ended, accepted or not, in the order of their ends.

        Raises:
            StackError: the sink does not answer, or its bounded memory overflowed.
        """
        return [_mail(entry) for entry in self._entries()]

    def messages(self, address: str | None = None) -> list[Mail]:
        """The accepted messages, or those to one address."""
        return [
            mail
            for mail in self.attempts()
            if mail.accepted and (address is None or address in mail.recipients)
        ]

    def wait_for(self, count: int, timeout: float) -> list[Mail]:
        """All transactions, once `count` have ended. At the deadline, whatever there is."""
        return [_mail(entry) for entry in self._poll(count, timeout)]


def _mail(record: dict[str, Any]) -> Mail:
    values = {key: value for key, value in record.items() if key != "endpoint"}
    values["content"] = base64.b64decode(record["content"])
    for name in ("recipients", "refused"):
        values[name] = tuple(record[name])
    return Mail(**values)
