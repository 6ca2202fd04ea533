"""The size of a message that contains a document, and of one that contains its key."""

import os

from local import local_services
from redis import Redis
from shop import app

DOCUMENT = os.urandom(1_000_000)
KEY = "uploads/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@app.task(name="shop.print")
def print_document(document: bytes | str) -> None:
    """Print a document, or the one that is stored under this key."""


def weight(document: bytes | str) -> int:
    """Enqueue a task, and return the size of its message in bytes."""
    queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
    queue.delete("celery")
    print_document.delay(document)
    return len(queue.lindex("celery", 0))


def main() -> None:
    with local_services():
        print(f"a document of {len(DOCUMENT):,} bytes")
        print(f"the document in the message: {weight(DOCUMENT) / 1e6:.2f} million bytes")
        print(f"its key in the message:   ~{weight(KEY)} bytes")


if __name__ == "__main__":
    main()
