"""The same wrong task, tested by calls one after another, and by calls that overlap."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

DOCUMENTS = range(4)


class Numbers:
    """Gives numbers, and makes a mistake: it reads and writes the last one in two steps."""

    def __init__(self) -> None:
        self.last = 0

    def next(self, document: int) -> int:
        """Return a number for a document."""
        number = self.last + 1
        time.sleep(0.05)
        self.last = number
        return number


def one_after_another(send: Callable[[int], Future[int]]) -> list[int]:
    """Wait for each result before the next is sent."""
    return [send(document).result(timeout=10) for document in DOCUMENTS]


def at_the_same_time(send: Callable[[int], Future[int]]) -> list[int]:
    """Send all, and wait for the results afterwards."""
    results = [send(document) for document in DOCUMENTS]
    return [result.result(timeout=10) for result in results]


if __name__ == "__main__":
    for test in (one_after_another, at_the_same_time):
        numbers = Numbers()
        with ThreadPoolExecutor(2) as worker:
            found = test(lambda document, task=numbers.next: worker.submit(task, document))
        verdict = "passed" if len(set(found)) == len(found) else "failed"
        print(f"{test.__name__}: {verdict}")
