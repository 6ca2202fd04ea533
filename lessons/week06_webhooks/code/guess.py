"""An attacker guesses a signature character by character, because `==` stops at the first difference."""

from collections.abc import Callable

from signatures import Message, whole_message

CHARACTERS = "0123456789abcdef"
RIGHT = whole_message(Message("msg-9", 720, "scan 99 is ready, 500 euros", ""))

Compared = Callable[[str], int]


def first_difference(guess: str) -> int:
    """Return how many characters `==` compares. An attacker measures this as time."""
    for place, (one, other) in enumerate(zip(guess, RIGHT, strict=True)):
        if one != other:
            return place + 1
    return len(RIGHT) + 1


def every_character(guess: str) -> int:
    """Return how many characters `hmac.compare_digest` compares."""
    return len(RIGHT)


def attack(compared: Compared) -> tuple[int, bool]:
    """At each position, keep the character that makes the comparison longest."""
    known, guesses = "", 0
    for place in range(len(RIGHT)):
        rest = "0" * (len(RIGHT) - place - 1)
        took = {character: compared(known + character + rest) for character in CHARACTERS}
        guesses += len(took)
        known += max(took, key=lambda character: took[character])
    return guesses, known == RIGHT


def main() -> None:
    for compared in (first_difference, every_character):
        guesses, found = attack(compared)
        print(f"{compared.__name__ + ':':<17} {guesses} guesses, signature found: {found}")


if __name__ == "__main__":
    main()
