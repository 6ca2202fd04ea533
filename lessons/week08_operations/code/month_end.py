"""Month's end at the law firm: 3,000 documents wait, and then one is urgent. A calculation."""

import heapq
from collections import deque

DOCUMENTS = 3_000
SLOTS = 8
STEPS = (("parse", 2.0), ("embed", 0.8), ("index", 0.2))
"""The steps of a document, and the seconds that each takes."""


def finished(
    queues: tuple[str, ...], urgent_queue: str, others: str = "normal"
) -> tuple[float, float]:
    """Return after how many seconds the urgent document is done, and all documents are.

    Args:
        queues: the queues in the order in which every slot looks into them.
        urgent_queue: the queue of the urgent document.
        others: the queue of all other documents.
    """
    waiting = {name: deque[tuple[str, int]]() for name in queues}
    for number in range(DOCUMENTS):
        waiting[others].append((f"document {number}", 0))
    waiting[urgent_queue].append(("urgent", 0))
    running: list[tuple[float, str, int]] = []
    now, done = 0.0, {}
    while running or any(waiting.values()):
        while len(running) < SLOTS and any(waiting.values()):
            queue = next(waiting[name] for name in queues if waiting[name])
            document, step = queue.popleft()
            heapq.heappush(running, (now + STEPS[step][1], document, step))
        now, document, step = heapq.heappop(running)
        if step + 1 == len(STEPS):
            done[document] = now
        else:
            back = urgent_queue if document == "urgent" else others
            waiting[back].append((document, step + 1))
    return done["urgent"], now


def main() -> None:
    arrangements = {
        "one queue": finished(("normal",), "normal"),
        "urgent read first": finished(("urgent", "normal"), "urgent"),
        "all are urgent": finished(("urgent", "normal"), "urgent", others="urgent"),
    }
    for name, (urgent, everything) in arrangements.items():
        print(f"{name + ':':19}urgent after {urgent:4.0f} seconds, all after {everything:4.0f}")


if __name__ == "__main__":
    main()
