"""Three cases that Celery cannot distinguish, and a state of our own that can."""

import time
import uuid

from local import local_services
from shop import app

ORDERED = "ORDERED"
EXPIRES_SECONDS = 1


@app.task(name="shop.print")
def print_document(document: str) -> str:
    return f"{document}, printed"


def state_of(order: str) -> str:
    """Read the state from the result backend, as a status page does."""
    return app.AsyncResult(order).state


def order_without_record() -> str:
    """Enqueue an order. No worker is running."""
    return print_document.delay("lease.pdf").id


def order_with_record() -> str:
    """Store a state of our own first, and then enqueue the order."""
    order = str(uuid.uuid4())
    app.backend.store_result(order, None, ORDERED)
    print_document.apply_async(["lease.pdf"], task_id=order)
    return order


def finished_long_ago() -> str:
    """Store the result of an order, and wait until it has expired."""
    order = str(uuid.uuid4())
    app.backend.store_result(order, "lease.pdf, printed", "SUCCESS")
    while app.AsyncResult(order).state == "SUCCESS":
        time.sleep(0.1)
    return order


def main() -> None:
    app.conf.result_expires = EXPIRES_SECONDS
    with local_services():
        print("waits in the queue:      ", state_of(order_without_record()))
        print("never existed:           ", state_of("no-such-order"))
        print("finished, and expired:   ", state_of(finished_long_ago()))
        print("recorded, then enqueued: ", state_of(order_with_record()))


if __name__ == "__main__":
    main()
