"""Three questions that Celery answers with the same word, and a state of one's own that helps."""

import time
import uuid

from local import local_services
from shop import app

ORDERED = "ORDERED"
EXPIRES_SECONDS = 1


@app.task(name="shop.print")
def print_photo(photo: str) -> str:
    return f"{photo}, printed"


def state_of(order: str) -> str:
    """Ask the result backend, as a status page would."""
    return app.AsyncResult(order).state


def order_and_forget() -> str:
    """Put an order in the queue. No worker is running."""
    return print_photo.delay("beach.png").id


def order_and_note() -> str:
    """Store a state of our own first, then put the order in the queue."""
    order = str(uuid.uuid4())
    app.backend.store_result(order, None, ORDERED)
    print_photo.apply_async(["beach.png"], task_id=order)
    return order


def finished_long_ago() -> str:
    """An order whose result has been stored, and has expired since."""
    order = str(uuid.uuid4())
    app.backend.store_result(order, "beach.png, printed", "SUCCESS")
    while app.AsyncResult(order).state == "SUCCESS":
        time.sleep(0.1)
    return order


def main() -> None:
    app.conf.result_expires = EXPIRES_SECONDS
    with local_services():
        print("waits in the queue:       ", state_of(order_and_forget()))
        print("never existed:            ", state_of("no-such-order"))
        print("finished, and expired:    ", state_of(finished_long_ago()))
        print("noted, waits in the queue:", state_of(order_and_note()))


if __name__ == "__main__":
    main()
