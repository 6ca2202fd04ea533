"""What failed tasks store in the result backend, and what a customer may read of it."""

import json

from faulty import OutOfPaper, bill, print_large, print_small
from local import celery_worker, local_services
from shop import app


def careless(error: BaseException) -> dict[str, str]:
    """Return the text of the exception unchanged."""
    return {"error": str(error)}


def careful(error: BaseException) -> dict[str, str]:
    """Return a stable name for programs, and a sentence that was written for customers."""
    if isinstance(error, OutOfPaper):
        return {"type": "out_of_paper", "message": str(error)}
    return {"type": "internal_error", "message": "Something went wrong. We have logged it."}


def main() -> None:
    with local_services(), celery_worker("faulty"):
        for task in (print_large, bill, print_small):
            order = task.delay()
            error = order.get(timeout=30, propagate=False)
            print(task.name, order.state, type(error).__name__)
            print("  careless:", careless(error))
            print("  careful: ", careful(error))
            if task is bill:
                stored = json.loads(app.backend.get(app.backend.get_key_for_task(order.id)))
                print("  in Redis:", ", ".join(stored))
                print("  traceback:", stored["traceback"].splitlines()[-2].strip())


if __name__ == "__main__":
    main()
