"""What a bound task knows about the run it is in."""

from celery import Task
from local import celery_worker, local_services
from shop import app


@app.task(bind=True, name="shop.describe")
def describe(self: Task, photo: str) -> dict[str, object]:
    """Answer with what Celery knows about this run."""
    run = self.request
    return {
        "task": self.name,
        "id": run.id,
        "queue": run.delivery_info["routing_key"],
        "runs before this one": run.retries,
        "time limits, hard and soft": run.timelimit,
    }


def main() -> None:
    with local_services(), celery_worker("inside_a_run"):
        for key, value in describe.delay("beach.png").get(timeout=30).items():
            print(f"{key + ':':<28}{value}")


if __name__ == "__main__":
    main()
