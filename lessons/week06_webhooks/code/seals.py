"""The seal on a lab's postcard: three attempts, and one that holds."""

import hashlib
import hmac
from dataclasses import dataclass

SECRET = b"a photo lab and Ada know these 32"
MINUTES_ALLOWED = 5


@dataclass(frozen=True)
class Postcard:
    """What arrives: a number, the minute it was sent in, the text, and a seal."""

    number: str
    minute: int
    text: str
    seal: str


def word(card: Postcard) -> str:
    """A password, the same on every card."""
    return "open sesame"


def text_only(card: Postcard) -> str:
    """A seal over what is written."""
    return hmac.new(SECRET, card.text.encode(), hashlib.sha256).hexdigest()


def whole_card(card: Postcard) -> str:
    """A seal over all that the receiver will believe: number, time, text."""
    sealed = "\n".join([card.number, str(card.minute), card.text])
    return hmac.new(SECRET, sealed.encode(), hashlib.sha256).hexdigest()


def fresh(card: Postcard, now: int) -> bool:
    """Whether it was sent just now. Clocks differ: it may also seem to come from the future."""
    return abs(now - card.minute) <= MINUTES_ALLOWED
