"""A seal has to be replaced. The lab and Ada cannot do it in the same second. Three ways."""

import hashlib
import hmac
from collections.abc import Callable

OLD, NEW = b"the old secret, known since May..", b"the new secret, known since today"
CARDS = range(10)
"""One a minute."""
LAB_CHANGES, ADA_CHANGES = 3, 7
"""The minute in which each begins to use the new secret."""

Secrets = Callable[[int], list[bytes]]


def seal(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def old_then_new(minute: int) -> list[bytes]:
    """From one minute to the next."""
    return [OLD] if minute < LAB_CHANGES else [NEW]


def both_for_a_time(minute: int) -> list[bytes]:
    """The new one and the old one, until minute 9."""
    return [OLD] if minute < LAB_CHANGES else [NEW, OLD] if minute < 9 else [NEW]


def both_but_too_short(minute: int) -> list[bytes]:
    """The same, until minute 5."""
    return [OLD] if minute < LAB_CHANGES else [NEW, OLD] if minute < 5 else [NEW]


def accepted(seals: list[str], minute: int, text: str) -> bool:
    """Ada knows one secret. One seal that is right is enough for her."""
    mine = seal(OLD if minute < ADA_CHANGES else NEW, text)
    return any(hmac.compare_digest(mine, one) for one in seals)


def main() -> None:
    for way in (old_then_new, both_but_too_short, both_for_a_time):
        refused = []
        for minute in CARDS:
            text = f"film {minute} is ready"
            seals = [seal(secret, text) for secret in way(minute)]
            if not accepted(seals, minute, text):
                refused.append(minute)
        print(f"{way.__name__ + ':':<19} {len(refused)} refused", *refused)


if __name__ == "__main__":
    main()
