"""What an API key looks like, and what is stored of it. Given to students complete.

A key is `bk_<id>_<secret>`. The id is public: it finds the row, and it may stand in a log. The secret is
256 random bits, and only its SHA-256 is stored. A slow hash such as bcrypt protects passwords, which
people choose. Nobody can guess 256 random bits, so a fast hash is enough, and every request computes one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

ID_BYTES = 6
SECRET_BYTES = 32
KEY = re.compile(r"bk_([0-9a-f]{12})_([0-9a-f]{64})")
"""`bk` stands for "bootcamp key". A fixed prefix lets scanners find keys that were committed by mistake."""
OWNER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""An owner is part of ids in the stores, so it has no other characters."""


class Permission(StrEnum):
    """A scope: what a key may be used for."""

    DOCUMENTS = "documents"
    """Everything about the documents and jobs of the key's owner."""
    ADMIN = "admin"
    """Numbers about the whole pipeline."""


class KeyParts(NamedTuple):
    """The two parts of a key."""

    id: str
    secret: str


@dataclass(frozen=True)
class KeyRow:
    """What is stored of a key."""

    id: str
    owner: str
    name: str
    scopes: frozenset[str]
    """Values of `Permission`."""
    secret_hash: bytes = field(repr=False)
    """The SHA-256 of the secret, 32 bytes."""
    created_at: datetime
    expires_at: datetime | None
    """None: never."""
    revoked_at: datetime | None
    """None: it is not revoked."""


def new_parts() -> KeyParts:
    """Make a new id and a new secret."""
    return KeyParts(secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES))


def key_text(parts: KeyParts) -> str:
    """Return the key that a client sends."""
    return f"bk_{parts.id}_{parts.secret}"


def split_key(text: str | None) -> KeyParts | None:
    """Split a text that a client sent. None: it does not have the form of a key."""
    found = KEY.fullmatch(text or "")
    return KeyParts(*found.groups()) if found else None


def hash_of(secret: str) -> bytes:
    """Return the SHA-256 of a secret, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def now() -> datetime:
    """Return the current time, with its time zone."""
    return datetime.now(UTC)
