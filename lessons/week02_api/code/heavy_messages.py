"""What a photo weighs in Redis when it travels in the message, and when its key does."""

import os

from local import local_services
from redis import Redis
from shop import app

PHOTO = os.urandom(1_000_000)
KEY = "uploads/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@app.task(name="shop.print")
def print_photo(photo: bytes | str) -> None:
    """Print a photo, or the one that is stored under this key."""


def weight(photo: bytes | str) -> int:
    """Enqueue, and measure the message in bytes."""
    queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
    queue.delete("celery")
    print_photo.delay(photo)
    return len(queue.lindex("celery", 0))


def main() -> None:
    with local_services():
        print(f"a photo of {len(PHOTO):,} bytes")
        print(f"the photo in the message: {weight(PHOTO) / 1e6:.2f} million bytes")
        print(f"its key in the message:   ~{weight(KEY)} bytes")


if __name__ == "__main__":
    main()
