"""A secret is replaced. The service and Ada cannot do that in the same second. Three ways."""

import hashlib
import hmac
from collections.abc import Callable

OLD, NEW = b"the old secret, known since May..", b"the new secret, known since today"
MESSAGES = range(10)
"""One in each minute."""
SERVICE_CHANGES, ADA_CHANGES = 3, 7
"""The minute in which each side begins to use the new secret."""

Secrets = Callable[[int], list[bytes]]


def signature(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def old_then_new(minute: int) -> list[bytes]:
    """Change from one minute to the next."""
    return [OLD] if minute < SERVICE_CHANGES else [NEW]


def both_for_a_time(minute: int) -> list[bytes]:
    """Sign with the new and the old secret, until minute 9."""
    return [OLD] if minute < SERVICE_CHANGES else [NEW, OLD] if minute < 9 else [NEW]


def both_but_too_short(minute: int) -> list[bytes]:
    """The same, but only until minute 5."""
    return [OLD] if minute < SERVICE_CHANGES else [NEW, OLD] if minute < 5 else [NEW]


def accepted(signatures: list[str], minute: int, text: str) -> bool:
    """Ada knows one secret. She accepts a message if one of its signatures is right."""
    expected = signature(OLD if minute < ADA_CHANGES else NEW, text)
    return any(hmac.compare_digest(expected, one) for one in signatures)


def main() -> None:
    for way in (old_then_new, both_but_too_short, both_for_a_time):
        refused = []
        for minute in MESSAGES:
            text = f"scan {minute} is ready"
            signatures = [signature(secret, text) for secret in way(minute)]
            if not accepted(signatures, minute, text):
                refused.append(minute)
        print(f"{way.__name__ + ':':<19} {len(refused)} refused", *refused)


if __name__ == "__main__":
    main()
