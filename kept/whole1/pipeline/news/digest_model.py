"""What a digest is made of, and what became of one message. Given to students complete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody who gets the digest."""

    subscriber_id: str
    """A UUID as text."""
    address: str
    token: str
    """The secret of this subscriber's link to unsubscribe. It is sent to this address only."""


@dataclass(frozen=True, slots=True)
class Story:
    """One article in a digest. All of it is text from outside."""

    title: str
    url: str
    summary: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What all subscribers get on one day."""

    day: date
    made_at: datetime
    """When the digest is due, in UTC. It is the date of all its messages."""
    stories: tuple[Story, ...]
    """At least one."""
    trends: tuple[str, ...]
    """Terms, the strongest first. It may be empty."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The sender of digests."""

    sender: str
    """For the header From: a name and an address."""
    domain: str
    """The part of message ids after the `@`."""
    public_url: str
    """Where subscribers reach this API, without a slash at the end."""

    def unsubscribe_url(self, token: str) -> str:
        """Return the address that ends the subscription with this token."""
        return f"{self.public_url}/unsubscribe?token={quote(token, safe='')}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one message, until its lease ends or somebody else claims the row."""

    day: date
    subscriber_id: str
    generation: int
    """The fencing token. Each claim of the row gets a higher one."""
    message_id: str
    """The id that is stored in the row."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt to send.

    sent: the mail server has answered 250, so the message is its responsibility.
    refused: the server refuses this message or this recipient for good.
    deferred: the message may be accepted later.
    """

    kind: Literal["sent", "refused", "deferred"]
    reason: str = ""
    """Why it was not sent."""
