"""One failure, as the process that waits for the result sees it, and as the worker logs it."""

import re
import traceback

from binding import bind_book
from local import celery_worker, local_services

FRAME = re.compile(
    r'File "[^"]*?(?P<file>\w+\.py)", line \d+, in (?P<function>\w+)\n +(?P<code>.*)'
)


def shortened(text: str) -> str:
    """Return each frame of a traceback on one line, and its last line."""
    frames = [f"  {one['file']}, {one['function']}: {one['code']}" for one in FRAME.finditer(text)]
    return "\n".join([*frames, f"  {text.strip().splitlines()[-1]}"])


def main() -> None:
    with local_services(), celery_worker("binding") as worker:
        receipt = bind_book.delay("A6", 300)
        try:
            receipt.get(timeout=30)
        except KeyError as error:
            print("where the result is read")
            print(shortened("".join(traceback.format_exception(error, chain=False))))
        log = worker.logs()
    _, _, logged = log.partition(f"[{receipt.id}] raised")
    print("in the worker's log, found by the id")
    print(shortened(logged))


if __name__ == "__main__":
    main()
