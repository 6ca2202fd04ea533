"""A task that keeps something on `self`, and two customers who do not know each other."""

from celery import Task
from local import celery_worker, local_services
from shop import app


class Album(Task):
    """Made once in each worker process, not once for each run."""

    def __init__(self) -> None:
        self.photos: list[str] = []


@app.task(bind=True, base=Album, name="shop.collect")
def collect(self: Album, photo: str) -> list[str]:
    """Add a photo to the album, and return the album."""
    self.photos.append(photo)
    return self.photos


def main() -> None:
    with local_services(), celery_worker("one_task_object"):
        print("Ada's album:", collect.delay("ada.png").get(timeout=30))
        print("Bob's album:", collect.delay("bob.png").get(timeout=30))


if __name__ == "__main__":
    main()
