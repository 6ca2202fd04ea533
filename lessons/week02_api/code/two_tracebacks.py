"""One failure, as the process that waits for the result sees it, and as the worker logs it."""

import re
import time
import traceback

from binding import bind_book
from local import celery_worker, local_services

from bootcamp.stack.process import Process

FRAME = re.compile(
    r'File "[^"]*?(?P<file>\w+\.py)", line \d+, in (?P<function>\w+)\n +(?P<code>.*)'
)


def shortened(text: str) -> str:
    """Return each frame of the last traceback in a text on one line, and the exception."""
    text = text.rpartition("Traceback (most recent call last):")[2]
    frames = [f"  {one['file']}, {one['function']}: {one['code']}" for one in FRAME.finditer(text)]
    return "\n".join([*frames, f"  {text.strip().splitlines()[-1]}"])


def logged(worker: Process, task_id: str) -> str:
    """Wait until the worker has logged the failure of a task, and return the traceback."""
    text = ""
    while "KeyError: " not in text:  # the result is stored before the line is written
        time.sleep(0.05)
        _, _, text = worker.logs().partition(f"[{task_id}] raised unexpected: ")
        text = text.partition("\n")[2]
    return text


def main() -> None:
    with local_services(), celery_worker("binding") as worker:
        receipt = bind_book.delay("A6", 300)
        try:
            receipt.get(timeout=30)
        except KeyError:
            print("where the result is read")
            print(shortened(traceback.format_exc()))
        print("in the worker's log, found by the id")
        print(shortened(logged(worker, receipt.id)))


if __name__ == "__main__":
    main()
