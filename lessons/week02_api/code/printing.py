"""A booklet that is printed page by page, and a customer who asks for its progress."""

import time
from typing import Any

from celery import Task
from local import celery_worker, local_services
from shop import app

PAGES = 3


@app.task(bind=True, name="shop.print_booklet", track_started=True)
def print_booklet(self: Task, pages: int) -> str:
    """Print page after page, and report each."""
    time.sleep(0.5)  # the printer warms up
    for page in range(1, pages + 1):
        self.update_state(state="PRINTING", meta={"page": page, "of": pages})
        time.sleep(0.5)
    return f"a booklet of {pages} pages"


def words_for(state: str, info: Any) -> str:
    """Return the text that the customer reads."""
    match state:
        case "STARTED":
            return "being prepared"
        case "PRINTING":
            return f"page {info['page']} of {info['of']}"
        case "SUCCESS":
            return f"ready: {info}"
    return state


def main() -> None:
    with local_services(), celery_worker("printing"):
        order, told = print_booklet.delay(PAGES), ""
        while not told.startswith("ready"):
            words = words_for(order.state, order.info)
            if words not in (told, "PENDING"):
                print(words)
            told = words
            time.sleep(0.05)


if __name__ == "__main__":
    main()
