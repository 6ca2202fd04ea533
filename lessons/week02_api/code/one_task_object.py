"""A task that keeps data on `self`, and two customers who have nothing to do with each other."""

from celery import Task
from local import celery_worker, local_services
from shop import app


class Folder(Task):
    """A task class with an attribute. There is one object for each worker process."""

    def __init__(self) -> None:
        self.documents: list[str] = []


@app.task(bind=True, base=Folder, name="shop.collect")
def collect(self: Folder, document: str) -> list[str]:
    """Add a document to the folder, and return the folder."""
    self.documents.append(document)
    return self.documents


def main() -> None:
    with local_services(), celery_worker("one_task_object"):
        print("Ada's folder:", collect.delay("ada.pdf").get(timeout=30))
        print("Bob's folder:", collect.delay("bob.pdf").get(timeout=30))


if __name__ == "__main__":
    main()
