"""Four ways to mark a message of the scan service as genuine. Only the last one is safe."""

import hashlib
import hmac
from dataclasses import dataclass

SECRET = b"only the service and Ada know it."
MINUTES_ALLOWED = 5


@dataclass(frozen=True)
class Message:
    """What arrives: an id, the minute of sending, the text, and a signature."""

    id: str
    minute: int
    text: str
    signature: str


def unsigned(message: Message) -> str:
    """No signature: whatever is there is accepted."""
    return message.signature


def password(message: Message) -> str:
    """A password, which is the same in every message."""
    return "open sesame"


def text_only(message: Message) -> str:
    """A signature of the text."""
    return hmac.new(SECRET, message.text.encode(), hashlib.sha256).hexdigest()


def whole_message(message: Message) -> str:
    """Return a signature of everything that the receiver relies on: id, time and text."""
    signed = "\n".join([message.id, str(message.minute), message.text])
    return hmac.new(SECRET, signed.encode(), hashlib.sha256).hexdigest()


def fresh(message: Message, now: int) -> bool:
    """Return whether it was sent just now. Clocks differ, so it may be slightly in the future."""
    return abs(now - message.minute) <= MINUTES_ALLOWED
