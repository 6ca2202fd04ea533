"""The table of API keys in PostgreSQL. Given to students complete.

Every function takes an open connection in autocommit mode, and blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from pipeline.keys.errors import KeyNotFound
from pipeline.keys.key import KeyRow, hash_of, key_text, new_parts, now

COLUMNS = "id, owner, name, scopes, secret_hash, created_at, expires_at, revoked_at"
FIND = f"SELECT {COLUMNS} FROM api_keys WHERE id = %s"  # noqa: S608  # names of columns, no input
LIST = f"SELECT {COLUMNS} FROM api_keys WHERE owner = %s OR %s ORDER BY created_at"  # noqa: S608
INSERT = """
INSERT INTO api_keys (id, owner, name, scopes, secret_hash, expires_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
REVOKE = "UPDATE api_keys SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
REVOKE_NAMED = """
UPDATE api_keys SET revoked_at = now() WHERE owner = %s AND name = %s AND revoked_at IS NULL
"""
EXPIRE = """
UPDATE api_keys SET expires_at = least(expires_at, %s) WHERE id = %s AND revoked_at IS NULL
"""


def row_of(values: tuple[Any, ...]) -> KeyRow:
    """Build a row from the `COLUMNS`."""
    key_id, owner, name, scopes, secret_hash, *times = values
    return KeyRow(key_id, owner, name, frozenset(scopes), bytes(secret_hash), *times)


def create(
    database: Connection[Any],
    owner: str,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
) -> str:
    """Store a new key, and return its text. This is the only time that anybody sees the secret."""
    parts = new_parts()
    values = [parts.id, owner, name, sorted(set(scopes)), hash_of(parts.secret), expires_at]
    database.execute(INSERT, values)
    return key_text(parts)


def replace(database: Connection[Any], owner: str, name: str, scopes: Iterable[str]) -> str:
    """Revoke the owner's keys of this name, and store a new one. Return its text."""
    with database.transaction():
        database.execute(REVOKE_NAMED, [owner, name])
        return create(database, owner, name, scopes)


def rotate(database: Connection[Any], key_id: str, keep: timedelta) -> str:
    """Store a new key like an old one, and let the old one expire. Return the new key's text.

    Args:
        key_id: the id of the old key.
        keep: how long the old key stays valid, so that its clients can change to the new one.

    Raises:
        KeyNotFound: there is no such key, or it is revoked or expired already.
    """
    with database.transaction():
        old = find(database, key_id)
        if old is None or old.revoked_at or (old.expires_at and old.expires_at <= now()):
            raise KeyNotFound
        database.execute(EXPIRE, [now() + keep, key_id])
        return create(database, old.owner, old.name, old.scopes)


def find(database: Connection[Any], key_id: str) -> KeyRow | None:
    """Return the row of a key, also of a revoked one."""
    values = database.execute(FIND, [key_id]).fetchone()
    return row_of(values) if values else None


def list_keys(database: Connection[Any], owner: str | None = None) -> list[KeyRow]:
    """Return the rows of an owner's keys, or of all, the oldest first."""
    return [row_of(values) for values in database.execute(LIST, [owner, owner is None])]


def revoke(database: Connection[Any], key_id: str) -> None:
    """Refuse a key from now on.

    Raises:
        KeyNotFound: there is no such key, or it is revoked already.
    """
    if not database.execute(REVOKE, [key_id]).rowcount:
        raise KeyNotFound
