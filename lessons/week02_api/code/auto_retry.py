"""Tasks that Celery retries by itself, and how often each of them runs."""

import os

from local import celery_worker, local_services
from redis import Redis
from shop import app

RETRY = {"max_retries": 3, "default_retry_delay": 0}


class PrinterBusy(Exception):
    """An error that passes."""


class UnknownPaper(Exception):
    """An error that stays, because the order is wrong."""


def run_number() -> int:
    """Count the runs of the current order."""
    return Redis.from_url(os.environ["REDIS_URL"], db=2).incr("runs")


@app.task(name="shop.busy", autoretry_for=(PrinterBusy,), **RETRY)
def print_when_free(busy_runs: int) -> str:
    """Print, if the printer is free. It is busy for the first `busy_runs` runs."""
    if run_number() <= busy_runs:
        raise PrinterBusy
    return "printed"


@app.task(name="shop.careful", autoretry_for=(PrinterBusy,), **RETRY)
def print_on_paper(paper: str) -> None:
    run_number()
    raise UnknownPaper(paper)


@app.task(name="shop.greedy", autoretry_for=(Exception,), **RETRY)
def print_greedily(paper: str) -> None:
    run_number()
    raise UnknownPaper(paper)


def main() -> None:
    cases = [
        ("busy twice", print_when_free, 2),
        ("busy without end", print_when_free, 99),
        ("unknown paper, retries PrinterBusy", print_on_paper, "A9"),
        ("unknown paper, retries Exception", print_greedily, "A9"),
    ]
    with local_services(), celery_worker("auto_retry"):
        runs = Redis.from_url(os.environ["REDIS_URL"], db=2)
        for title, task, argument in cases:
            runs.delete("runs")
            receipt = task.delay(argument)
            receipt.get(timeout=30, propagate=False)
            count = int(runs.get("runs"))
            print(f"{title + ':':<36} {count} {'run' if count == 1 else 'runs'}, {receipt.state}")


if __name__ == "__main__":
    main()
