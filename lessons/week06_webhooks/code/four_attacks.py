"""Four bad postcards, and four ways of looking at a card. Which of them gets through?"""

import hmac
from collections.abc import Callable
from dataclasses import replace

from seals import Postcard, fresh, text_only, whole_card, word

NOON = 12 * 60
Seal = Callable[[Postcard], str]


def unsealed(card: Postcard) -> str:
    """Whatever stands there is right."""
    return card.seal


def genuine(seal: Seal) -> Postcard:
    """A card of the lab's, sent at noon. A stranger on the way reads it."""
    card = Postcard("card-1", NOON, "film 17 is ready, 12 euros", "")
    return replace(card, seal=seal(card))


ATTACKS: dict[str, Callable[[Postcard], tuple[Postcard, int]]] = {
    "made up by a stranger": lambda card: (
        replace(card, text="film 99 is ready, 500 euros", seal="0" * 64),
        NOON,
    ),
    "read and changed": lambda card: (replace(card, text="film 17 is ready, 500 euros"), NOON),
    "sent again tomorrow": lambda card: (card, NOON + 24 * 60),
    "again, with a new date": lambda card: (
        replace(card, minute=NOON + 24 * 60, number="card-2"),
        NOON + 24 * 60,
    ),
}


def believed(seal: Seal, card: Postcard, now: int) -> bool:
    """Whether the receiver acts on it. Only a seal that covers the date makes it worth a look."""
    if seal is whole_card and not fresh(card, now):
        return False
    return hmac.compare_digest(seal(card), card.seal)


def main() -> None:
    seals: tuple[Seal, ...] = (unsealed, word, text_only, whole_card)
    print(" " * 22, *(f"{seal.__name__:>10}" for seal in seals))
    for name, attack in ATTACKS.items():
        cells = []
        for seal in seals:
            card, now = attack(genuine(seal))
            cells.append("believed" if believed(seal, card, now) else "refused")
        print(f"{name:<22}", *(f"{cell:>10}" for cell in cells))


if __name__ == "__main__":
    main()
