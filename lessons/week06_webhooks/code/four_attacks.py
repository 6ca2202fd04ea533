"""Four attacks on a receiver, and four ways to check a message. Which attacks succeed?"""

import hmac
from collections.abc import Callable
from dataclasses import replace

from signatures import Message, fresh, password, text_only, unsigned, whole_message

NOON = 12 * 60
TOMORROW = NOON + 24 * 60
Sign = Callable[[Message], str]


def genuine(sign: Sign) -> Message:
    """Return a message that the service has sent at noon. The attacker can read it."""
    message = Message("msg-1", NOON, "scan 17 is ready, 12 euros", "")
    return replace(message, signature=sign(message))


ATTACKS: dict[str, Callable[[Message], tuple[Message, int]]] = {
    "invented by an attacker": lambda seen: (
        replace(seen, text="scan 99 is ready, 500 euros", signature="0" * 64),
        NOON,
    ),
    "read and changed": lambda seen: (replace(seen, text="scan 17 is ready, 500 euros"), NOON),
    "replayed tomorrow": lambda seen: (seen, TOMORROW),
    "replayed with a new time": lambda seen: (replace(seen, minute=TOMORROW, id="msg-2"), TOMORROW),
}


def accepted(sign: Sign, message: Message, now: int) -> bool:
    """Return whether the receiver acts on it. It can check the time only if the time is signed."""
    if sign is whole_message and not fresh(message, now):
        return False
    return hmac.compare_digest(sign(message), message.signature)


def main() -> None:
    ways: tuple[Sign, ...] = (unsigned, password, text_only, whole_message)
    print(" " * 24, *(f"{sign.__name__:>13}" for sign in ways))
    for name, attack in ATTACKS.items():
        cells = []
        for sign in ways:
            message, now = attack(genuine(sign))
            cells.append("accepted" if accepted(sign, message, now) else "refused")
        print(f"{name:<24}", *(f"{cell:>13}" for cell in cells))


if __name__ == "__main__":
    main()
