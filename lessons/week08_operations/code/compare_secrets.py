"""How long two comparisons take, when the first byte is wrong and when the last one is."""

import hmac
import time
from collections.abc import Callable

SIZE = 4_000_000
"""Far longer than a secret, so that the difference is seen in one measurement."""
ROUNDS = 20


def seconds(equal: Callable[[bytes, bytes], bool], wrong_at: int) -> float:
    """The shortest time for one comparison with one wrong byte."""
    stored = bytes(SIZE)
    sent = bytearray(SIZE)
    sent[wrong_at] = 1
    guess, best = bytes(sent), 1.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        equal(stored, guess)
        best = min(best, time.perf_counter() - started)
    return best


def ordinary(one: bytes, other: bytes) -> bool:
    """Stops at the first byte that differs."""
    return one == other


def main() -> None:
    for name, equal in (("==", ordinary), ("hmac.compare_digest", hmac.compare_digest)):
        first, last = seconds(equal, 0), seconds(equal, SIZE - 1)
        verdict = "depends on" if last > 3 * first else "does not depend on"
        print(f"{name}: the time {verdict} where the wrong byte is")


if __name__ == "__main__":
    main()
