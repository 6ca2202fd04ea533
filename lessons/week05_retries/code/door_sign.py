"""The door has a sign: "back in 30 seconds". Four ways to read it, and when all come back."""

import random

from herd import Wait, full_jitter, simulate

SIGN = 30.0
"""What the door asks for, seconds."""


def as_the_sign_says(_: random.Random, attempt: int) -> float:
    return SIGN


def whichever_is_longer(chance: random.Random, attempt: int) -> float:
    return max(SIGN, full_jitter(chance, attempt))


def sign_then_jitter(chance: random.Random, attempt: int) -> float:
    return SIGN + full_jitter(chance, attempt)


def main() -> None:
    ways: tuple[Wait, ...] = (full_jitter, as_the_sign_says, whichever_is_longer, sign_then_jitter)
    for wait in ways:
        rings = simulate(wait)
        early, later = sum(rings[1 : int(SIGN)]), max(rings[int(SIGN) :], default=0)
        print(
            f"{wait.__name__ + ':':<20} before the time: {early:>3}, then at most {later:>3} at once"
        )


if __name__ == "__main__":
    main()
