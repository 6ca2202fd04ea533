"""Signatures of webhooks, as the Standard Webhooks specification 1.0 defines them.

The sender signs `id.timestamp.body` with HMAC-SHA256 and a secret that only the sender and the receiver
know. The secret shows who sent the webhook, and the signed body shows that nobody changed it. The signed
timestamp shows that it is not an old webhook sent again. By the signed id, the receiver notices that it
has received the same webhook before.

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
SECRET_PREFIX = "whsec_"  # noqa: S105 - the start of every secret
SECRET_BYTES = 32
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
VERSION = "v1"
TOLERANCE_SECONDS = 300
"""How far a timestamp may be before or after the receiver's clock."""
MAX_SIGNATURES = 20
"""How many signatures of one header are compared. Later ones are ignored."""


def new_secret() -> str:
    """Return a new random secret: `whsec_` and base64. Given to students complete."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Decode a secret to the bytes of its key. Given to students complete.

    Raises:
        ValueError: the text is not `whsec_` and base64 of 24 to 64 bytes.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook secret begins with {SECRET_PREFIX}")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(f"a webhook secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Calculate the signature of one webhook.

    Args:
        secret: the secret of the endpoint, `whsec_…`.
        message_id: the value of the header `webhook-id`.
        timestamp: whole seconds since 1970 (UTC), the value of the header `webhook-timestamp`.
        body: the exact bytes of the request body. They need not be UTF-8.

    Returns:
        `v1,` and the signature in base64.

    Raises:
        ValueError: the secret is malformed.
    """
    # BEGIN SOLUTION 6.1
    # ? a) Calculate HMAC-SHA256 of `message_id`, a full stop, `timestamp`, a full stop, and `body`.
    # ? b) Use the decoded secret as the key: the bytes that `key_of(secret)` returns. It raises `ValueError`
    # ? for a malformed secret: let it pass.
    # ? c) Sign the bytes of `body` unchanged. Do not decode them, and do not parse them as JSON.
    # ? d) Return `VERSION`, a comma, and the digest in standard base64, as one text. Encode the bytes of
    # ? the digest, not its hexadecimal form.
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(key_of(secret), content, hashlib.sha256)
    return f"{VERSION},{base64.b64encode(digest).decode()}"
    # END SOLUTION


def signed_headers(
    signing_secrets: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Build the three headers of a webhook. Given to students complete.

    During a rotation there are two secrets, so the signature header contains two signatures.
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
    """Check a webhook on the receiver's side, before acting on it. Return None if it is genuine.

    Args:
        secret: the receiver's own secret, `whsec_…`.
        headers: the headers of the request. Their names may be in upper or lower case.
        body: the exact bytes of the request body.
        now: the current time in seconds since 1970. None means the time of the system's clock.
        tolerance: how many seconds the timestamp may be before or after `now`.

    Raises:
        BadSignature: the webhook must not be believed. A request cannot cause any other exception.
        ValueError: the receiver's own secret is malformed.
    """
    moment = time.time() if now is None else now
    sent = {name.lower(): value for name, value in headers.items() if value.isprintable()}
    # BEGIN SOLUTION 6.2
    # ? a) Read the headers from `sent`, whose names are in lower case. Raise `BadSignature` if one of
    # ? the three headers is missing or empty.
    # ? b) Raise `BadSignature` if the timestamp is not a whole number (`read_timestamp` does so), or if
    # ? it is more than `tolerance` seconds before or after `moment`.
    # ? c) Calculate the expected signature with `sign`, from the id, the timestamp and the unchanged body.
    # ? d) The signature header contains one or more signatures, separated by one or more spaces. Accept
    # ? the webhook if one of the first `MAX_SIGNATURES` is the expected one. Raise `BadSignature` if none
    # ? of them is.
    # ? e) Compare each signature as a whole, in upper and lower case as it is, with `hmac.compare_digest`
    # ? and never with `==`. Compare bytes: texts that are not ASCII raise `TypeError`.
    # ? f) Never raise anything but `BadSignature`, whatever the headers and the body contain.
    # ? g) Let the `ValueError` of `sign` pass: it says that the receiver's own secret is malformed.
    message_id = sent.get(ID_HEADER, "")
    timestamp = read_timestamp(sent.get(TIMESTAMP_HEADER, ""))
    if not message_id or abs(moment - timestamp) > tolerance:
        raise BadSignature
    expected = sign(secret, message_id, timestamp, body).encode()
    signatures = sent.get(SIGNATURE_HEADER, "").split()[:MAX_SIGNATURES]
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures):
        raise BadSignature
    # END SOLUTION


def read_timestamp(text: str) -> int:
    """Convert a timestamp header to seconds since 1970. Given to students complete.

    Raises:
        BadSignature: the text is not 1 to 12 ASCII digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise BadSignature
    return int(text)
