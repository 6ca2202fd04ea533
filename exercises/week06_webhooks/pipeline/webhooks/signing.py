"""Signatures of webhooks, as the Standard Webhooks specification 1.0 has them.

The sender signs `id.timestamp.body` by HMAC-SHA256 with a secret that it shares with the receiver
alone. So the receiver knows who sent it (the secret), that nobody changed it (the body), that it is
no old one sent again (the timestamp), and whether it had this one before (the id).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence

from pipeline.webhooks.errors import BadSignature

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES = 32
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
VERSION = "v1"
TOLERANCE_SECONDS = 300
"""How far a timestamp may be from the receiver's clock, both ways."""
MAX_SIGNATURES = 20
"""A header with more of them is not read to its end."""


def new_secret() -> str:
    """A random secret, as sender and receiver keep it: `whsec_` and base64. Given."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for. Given.

    Raises:
        ValueError: it is no secret of 24 to 64 bytes.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook secret begins with {SECRET_PREFIX}")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(f"a webhook secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a webhook: `v1,` and base64.

    Args:
        secret: `whsec_…`
        message_id: what is sent as `webhook-id`.
        timestamp: whole seconds since 1970 (UTC), what is sent as `webhook-timestamp`.
        body: the exact bytes of the request's body.

    Raises:
        ValueError: the secret is none.
    """
    # TODO 6.1: HMAC-SHA256 over the id, the timestamp and the body, joined by full stops. The key
    #   is the secret's bytes (`key_of`), not its text. The body is signed as it is sent: who reads
    #   JSON and writes it again has other bytes.
    #   The answer is the version, a comma, and the digest (not its hex form) in base64.
    raise NotImplementedError("6.1")


def signed_headers(
    signing_secrets: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of a webhook. With two secrets, while one replaces the other, it carries two
    signatures. Given.
    """
    signatures = [sign(secret, message_id, timestamp, body) for secret in signing_secrets]
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(signatures),
    }


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance: float = TOLERANCE_SECONDS,
) -> None:
    """What a receiver does before it believes a webhook. Returns if all is well.

    Args:
        secret: the receiver's, `whsec_…`
        headers: the request's, in any case.
        body: the exact bytes of the request's body.
        now: seconds since 1970; None for the clock's.
        tolerance: how old, or how far in the future, the timestamp may be, in seconds.

    Raises:
        BadSignature: do not act on it. Whatever a stranger sends, nothing else is raised.
        ValueError: the receiver's own secret is none.
    """
    moment = time.time() if now is None else now
    sent = {name.lower(): value for name, value in headers.items() if value.isprintable()}
    # TODO 6.2: A header that is missing or empty, or a timestamp that is no whole number
    #   (`read_timestamp`), is a refusal like any other. So is a timestamp too far from `moment`, on
    #   either side.
    #   Make the signature that it should have, over the headers and the body as they came. The
    #   header can hold several, with spaces between: one that is right is enough.
    #   `==` stops at the first letter that differs, and its time tells a guesser how far it came.
    raise NotImplementedError("6.2")


def read_timestamp(text: str) -> int:
    """Seconds since 1970 from a header. Given. Raises BadSignature: it is no whole number."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise BadSignature
    return int(text)
