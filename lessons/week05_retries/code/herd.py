"""Two hundred couriers at one door that serves twenty a second: who comes back when?

Nobody waits: a second is a number here.
"""

import random
from collections import Counter
from collections.abc import Callable

COURIERS = 200
SERVED = 20
"""How many the door serves in a second. All others are told "not now"."""
BASE, CAP = 5.0, 60.0
"""The longest wait after the first try, and the longest at all. Seconds."""
SEED = 5

Wait = Callable[[random.Random, int], float]


def fixed(_: random.Random, attempt: int) -> float:
    """Always the same."""
    return BASE


def doubling(_: random.Random, attempt: int) -> float:
    """5, 10, 20, 40, 60, 60 … seconds: exponential backoff with a cap."""
    return min(CAP, BASE * 2.0 ** (attempt - 1))


def full_jitter(chance: random.Random, attempt: int) -> float:
    """Any time between now and the longest wait."""
    return chance.uniform(0, doubling(chance, attempt))


def simulate(wait: Wait, couriers: int = COURIERS) -> list[int]:
    """How many rang in each second, until all were served."""
    chance = random.Random(SEED)  # noqa: S311
    coming = {0: [0] * couriers}
    """By second: of each courier who comes then, how often it was sent away."""
    rings: list[int] = []
    while coming:
        second = len(rings)
        here = coming.pop(second, [])
        rings.append(len(here))
        chance.shuffle(here)
        for attempts in here[SERVED:]:
            back = second + max(1, round(wait(chance, attempts + 1)))
            coming.setdefault(back, []).append(attempts + 1)
    return rings


def main() -> None:
    print("                worst second  all rings  crowded seconds  last one served")
    for wait in (fixed, doubling, full_jitter):
        rings = simulate(wait)
        crowded = Counter(count > SERVED for count in rings)[True]
        later = max(rings[1:])
        row = f"{later:>12}  {sum(rings):>9}  {crowded:>15}  {f'second {len(rings) - 1}':>15}"
        print(f"{wait.__name__ + ':':<14}  {row}")
    for wait in (doubling, full_jitter):
        print(f"{wait.__name__}, second 1 to 20:", *simulate(wait)[1:21])


if __name__ == "__main__":
    main()
