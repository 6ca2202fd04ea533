"""Signed webhooks, made by the rules of the specification and checked by its official library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

Made = dict[str, Any]
SIGNING = "pipeline.webhooks.signing"
WORDS = ("Fluß", "灯台", "lamp", 'a "quoted" word', "back\\slash", "🗼", "naïve", "sea")


def secret(rng: Random) -> str:
    """Return a random secret of 24 to 64 bytes."""
    return f"whsec_{base64.b64encode(rng.randbytes(rng.randint(24, 64))).decode()}"


def message_id(rng: Random) -> str:
    return f"msg_{rng.getrandbits(128):032x}"


def body(rng: Random) -> bytes:
    """Return JSON with unusual spaces. If it is parsed and written again, its bytes change."""
    data = {"n": rng.randint(0, 10**9), "name": rng.choice(WORDS), "x": [rng.random(), None, True]}
    text = json.dumps(data, ensure_ascii=rng.random() < 0.5, indent=rng.choice([1, 2, 3]))
    return f"{text}\n".replace('": ', '" :').encode()


def signature(key: str, made: str, at: int | str, content: bytes) -> str:
    """Return the signature by the specification, section "Signature scheme"."""
    raw = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.digest(raw, f"{made}.{at}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(key: str, made: str, at: int | str, content: bytes) -> dict[str, str]:
    """Return the three headers of a webhook."""
    return {
        "webhook-id": made,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(key, made, at, content),
    }


def accepted(key: str, sent: Mapping[str, str], content: bytes) -> str:
    """Return why the official library refuses a webhook, or "" if it accepts it."""
    try:
        Webhook(key).verify(content, dict(sent), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # the library does not catch this one
        return f"{type(error).__name__}: {error}"
    return ""
