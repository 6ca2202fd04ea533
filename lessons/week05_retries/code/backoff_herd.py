"""Two hundred jobs call a provider that accepts twenty calls a second. When do they retry?

Nothing really waits in this program: a second is only a number.
"""

import random
from collections import Counter
from collections.abc import Callable

JOBS = 200
ACCEPTED = 20
"""How many calls the provider accepts in a second. It rejects all others."""
BASE, CAP = 5.0, 60.0
"""The longest wait after the first attempt, and after any attempt. Seconds."""
SEED = 5

Wait = Callable[[random.Random, int], float]


def fixed(_: random.Random, attempt: int) -> float:
    """Always wait for the same time."""
    return BASE


def doubling(_: random.Random, attempt: int) -> float:
    """Wait 5, 10, 20, 40, 60, 60 … seconds: exponential backoff with a cap."""
    return min(CAP, BASE * 2.0 ** (attempt - 1))


def full_jitter(rng: random.Random, attempt: int) -> float:
    """Draw any time between zero and the longest wait."""
    return rng.uniform(0, doubling(rng, attempt))


def simulate(wait: Wait, jobs: int = JOBS) -> list[int]:
    """Return the number of calls in each second, until all jobs were accepted."""
    rng = random.Random(SEED)  # noqa: S311
    due = {0: [0] * jobs}
    """By second: how often each job that is due then was rejected."""
    calls: list[int] = []
    while due:
        second = len(calls)
        here = due.pop(second, [])
        calls.append(len(here))
        rng.shuffle(here)
        for attempts in here[ACCEPTED:]:
            back = second + max(1, round(wait(rng, attempts + 1)))
            due.setdefault(back, []).append(attempts + 1)
    return calls


def main() -> None:
    print("                worst second  all calls  overloaded seconds  last one accepted")
    for wait in (fixed, doubling, full_jitter):
        calls = simulate(wait)
        overloaded = Counter(count > ACCEPTED for count in calls)[True]
        later = max(calls[1:])
        row = f"{later:>12}  {sum(calls):>9}  {overloaded:>18}  {f'second {len(calls) - 1}':>17}"
        print(f"{wait.__name__ + ':':<14}  {row}")
    for wait in (doubling, full_jitter):
        print(f"{wait.__name__}, second 1 to 20:", *simulate(wait)[1:21])


if __name__ == "__main__":
    main()
