"""API keys that no code of the student's has made, and requests that present them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NoReturn

import httpx

from autograder.sdk import Api, Run, fail
from autograder.sdk.api_log import log_of
from autograder.sdk.database import connect

INSERT = """
INSERT INTO api_keys (id, owner, name, scopes, secret_hash, expires_at, revoked_at)
VALUES (%s, %s, 'grader', %s, %s, %s, %s)
"""
DETAIL = "Send a valid API key: `Authorization: Bearer bk_…`."
REFUSAL = {"detail": DETAIL, "type": "key_required"}
"""What everybody gets who presents no valid key."""


@dataclass(frozen=True)
class Keyring:
    """Writes rows of keys, past all code of the student's."""

    run: Run
    rng: Random

    def owner(self) -> str:
        """An owner that nobody has seen before."""
        return f"firm-{self.rng.getrandbits(48):x}"

    def unknown(self) -> str:
        """A key that is nowhere stored."""
        return f"bk_{self.rng.getrandbits(48):012x}_{self.rng.getrandbits(256):064x}"

    def key(
        self,
        owner: str | None = None,
        scopes: tuple[str, ...] = ("documents",),
        *,
        expires_in: float | None = None,
        revoked: bool = False,
    ) -> str:
        """Store a key and return its text.

        Args:
            owner: whose it is; by default a new owner's.
            expires_in: seconds until it expires, negative for the past; None for never.
            revoked: whether it is revoked.
        """
        text = self.unknown()
        _, key_id, secret = text.split("_")
        now = datetime.now(UTC)
        expires_at = None if expires_in is None else now + timedelta(seconds=expires_in)
        digest = hashlib.sha256(secret.encode()).digest()
        revoked_at = now - timedelta(seconds=5) if revoked else None
        values = [key_id, owner or self.owner(), list(scopes), digest, expires_at, revoked_at]
        with connect(self.run) as database:
            database.execute(INSERT, values)
        return text

    def with_other_secret(self, key: str) -> str:
        """The same id with a secret that differs in its last character alone."""
        return key[:-1] + ("0" if key[-1] != "0" else "1")


def bearer(key: str) -> dict[str, str]:
    """The header that presents a key."""
    return {"Authorization": f"Bearer {key}"}


def fail_with(
    api: Api, answer: httpx.Response, sent: str, expected: str, cause: str = ""
) -> NoReturn:
    """A card about an answer."""
    got = f"{answer.status_code} {answer.text[:200]}"
    fail(sent=sent, expected=expected, got=got, cause=cause, log=log_of(api, answer))
