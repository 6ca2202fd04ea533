"""A stranger guesses a seal letter by letter, because a comparison stops at the first wrong one."""

from collections.abc import Callable

from seals import Postcard, whole_card

LETTERS = "0123456789abcdef"
CARD = Postcard("card-9", 720, "film 99 is ready, 500 euros", "")
RIGHT = whole_card(CARD)

Looked = Callable[[str], int]


def first_difference(guess: str) -> int:
    """How many letters `==` looks at, written out. On a wire this is time."""
    for place, (one, other) in enumerate(zip(guess, RIGHT, strict=True)):
        if one != other:
            return place + 1
    return len(RIGHT) + 1


def every_letter(guess: str) -> int:
    """How many `hmac.compare_digest` looks at."""
    return len(RIGHT)


def attack(looked: Looked) -> tuple[int, bool]:
    """Of each place, keep the letter that keeps the receiver busy for longest."""
    known, tries = "", 0
    for place in range(len(RIGHT)):
        rest = "0" * (len(RIGHT) - place - 1)
        took = {letter: looked(known + letter + rest) for letter in LETTERS}
        tries += len(took)
        known += max(took, key=lambda letter: took[letter])
    return tries, known == RIGHT


def main() -> None:
    for looked in (first_difference, every_letter):
        tries, found = attack(looked)
        print(f"{looked.__name__ + ':':<17} {tries} tries, seal found: {found}")


if __name__ == "__main__":
    main()
