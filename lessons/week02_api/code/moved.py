"""Messages of Monday's version, taken by a worker of Friday's."""

import friday
import monday
from celery.result import AsyncResult
from local import celery_worker, local_services


def outcome(receipt: AsyncResult) -> str:
    """Wait for the end of a task; then tell its state, and its result or its error."""
    result = receipt.get(timeout=30, propagate=False)
    return f"{receipt.state}, {result!r}"


def main() -> None:
    with local_services():
        receipts = {task: task.delay("beach.png") for task in (monday.shrink, monday.turn)}
        with celery_worker(friday.__name__):
            for task, receipt in receipts.items():
                print(f"sent as {task.name + ':':<15}", outcome(receipt))
    print("Friday knows:", friday.shrink.name, "and", friday.turn.name)


if __name__ == "__main__":
    main()
