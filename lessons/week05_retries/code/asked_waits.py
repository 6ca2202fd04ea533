"""The provider asks all rejected jobs to wait 30 seconds. Four ways to respect that."""

import random

from backoff_herd import Wait, full_jitter, simulate

ASKED = 30.0
"""The seconds in `Retry-After`."""


def exactly_as_asked(_: random.Random, attempt: int) -> float:
    return ASKED


def the_longer_one(rng: random.Random, attempt: int) -> float:
    return max(ASKED, full_jitter(rng, attempt))


def asked_plus_jitter(rng: random.Random, attempt: int) -> float:
    return ASKED + full_jitter(rng, attempt)


def main() -> None:
    ways: tuple[Wait, ...] = (full_jitter, exactly_as_asked, the_longer_one, asked_plus_jitter)
    for wait in ways:
        calls = simulate(wait)
        early, later = sum(calls[1 : int(ASKED)]), max(calls[int(ASKED) :], default=0)
        print(f"{wait.__name__ + ':':<18} too early: {early:>3}, then at most {later:>3} a second")


if __name__ == "__main__":
    main()
