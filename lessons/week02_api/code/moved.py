"""Messages of Monday's version, which a worker of Friday's version takes."""

import friday
import monday
from celery.result import AsyncResult
from local import celery_worker, local_services


def outcome(receipt: AsyncResult) -> str:
    """Wait for the end of a task, and return its state with its result or its error."""
    result = receipt.get(timeout=30, propagate=False)
    return f"{receipt.state}, {result!r}"


def main() -> None:
    with local_services():
        receipts = {task: task.delay("lease.pdf") for task in (monday.shrink, monday.turn)}
        with celery_worker(friday.__name__):
            for task, receipt in receipts.items():
                print(f"sent as {task.name + ':':<15}", outcome(receipt))
    print("registered on Friday:", friday.shrink.name, "and", friday.turn.name)


if __name__ == "__main__":
    main()
