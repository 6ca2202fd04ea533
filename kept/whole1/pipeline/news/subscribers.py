"""Who gets the digest. Given to students complete."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from pipeline.news.errors import (
    InvalidAddress,
    SubscribersFull,
    SubscriptionNotFound,
    SubscriptionsUnavailable,
)
from pipeline.steps.database import connection

MAX_ADDRESS_CHARS = 254
MAX_SUBSCRIBERS = 10_000
TOKEN_BYTES = 24
ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
    re.IGNORECASE,
)
"""The plain form of an address, without quotes, comments or other alphabets. Nothing in it can begin
another header or name a second recipient."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('subscribers'))"
ADD = """
INSERT INTO subscribers AS s (address, token) VALUES (%s, %s)
ON CONFLICT (address) DO UPDATE SET token = CASE WHEN s.left_at IS NULL THEN s.token ELSE excluded.token END,
    subscribed_at = CASE WHEN s.left_at IS NULL THEN s.subscribed_at ELSE now() END, left_at = NULL
"""
LEAVE = "UPDATE subscribers SET left_at = coalesce(left_at, now()) WHERE token = %s"


@contextmanager
def _database() -> Iterator[Connection[Any]]:
    try:
        with connection() as database, database.transaction():
            yield database
    except psycopg.OperationalError as error:
        raise SubscriptionsUnavailable from error


def checked_address(text: str) -> str:
    """Return the address that a client has sent, its domain in lower case.

    Raises:
        InvalidAddress: it is not one plain address.
    """
    address = text.strip()
    if len(address) > MAX_ADDRESS_CHARS or not ADDRESS.fullmatch(address):
        raise InvalidAddress
    name, _, domain = address.rpartition("@")
    return f"{name}@{domain.lower()}"


def subscribe(text: str) -> str:
    """Add a subscriber. Who has subscribed already stays one, and who has left comes back.

    Args:
        text: the mail address.

    Returns:
        The address as it is stored.

    Raises:
        InvalidAddress: it is not one plain address.
        SubscribersFull: there are `MAX_SUBSCRIBERS` already.
        SubscriptionsUnavailable: PostgreSQL fails.
    """
    address = checked_address(text)
    with _database() as database:
        database.execute(LOCK)
        row = database.execute(
            "SELECT count(*) FROM subscribers WHERE left_at IS NULL AND address <> %s", (address,)
        ).fetchone()
        if row is not None and row[0] >= MAX_SUBSCRIBERS:
            raise SubscribersFull
        database.execute(ADD, (address, secrets.token_urlsafe(TOKEN_BYTES)))
    return address


def unsubscribe(token: str) -> None:
    """End the subscription with this token. Doing it again changes nothing.

    Raises:
        SubscriptionNotFound: no subscriber has this token.
        SubscriptionsUnavailable: PostgreSQL fails.
    """
    if "\0" in token:  # PostgreSQL has no such text
        raise SubscriptionNotFound
    with _database() as database:
        if database.execute(LEAVE, (token,)).rowcount == 0:
            raise SubscriptionNotFound
