"""Six steps wait for tokens on two slots. When does a task run that needs no token?"""

import queue
import threading
import time
from collections.abc import Callable

TOKEN_EVERY = 0.2
STEPS = 6
Task = Callable[[], None]


class Workers:
    """Two slots and a queue."""

    def __init__(self) -> None:
        self.tasks: queue.Queue[Task] = queue.Queue()
        self.next_token = time.monotonic()
        self.lock = threading.Lock()
        for _ in range(2):
            threading.Thread(target=self.slot, daemon=True).start()

    def slot(self) -> None:
        while True:
            self.tasks.get()()

    def seconds_to_token(self) -> float:
        """Reserve the next token, and return how long it takes to come."""
        with self.lock:
            self.next_token = max(self.next_token, time.monotonic()) + TOKEN_EVERY
            return self.next_token - time.monotonic()


def sleeping(workers: Workers) -> Task:
    """Wait in the slot."""
    return lambda: time.sleep(workers.seconds_to_token())


def sent_again(workers: Workers) -> Task:
    """Give the slot back, and let the message come again after the wait."""

    def step() -> None:
        seconds = workers.seconds_to_token()
        threading.Timer(seconds, workers.tasks.put, [lambda: None]).start()

    return step


def other_task(kind: Callable[[Workers], Task]) -> float:
    """Return after how many seconds a task runs that stands behind the steps."""
    workers, ran = Workers(), threading.Event()
    started = time.monotonic()
    for _ in range(STEPS):
        workers.tasks.put(kind(workers))
    workers.tasks.put(ran.set)
    ran.wait()
    return time.monotonic() - started


def main() -> None:
    print(f"sleeping in the slot: the other task ran after {other_task(sleeping):.2f} s")
    print(f"message sent again:   the other task ran after {other_task(sent_again):.2f} s")


if __name__ == "__main__":
    main()
