"""Tests of the task `invoices.issue`: one for each promise in its docstring.

The task runs in a worker of its own, so a test sees what a client sees: results, the log, and Redis. It never
imports the task. `issue` sends it, and `celery_setup` is the broker, the backend and the worker.

Two tests are given as examples. Fill in the others. Keep a test independent: each one begins with an empty
ledger and a new worker.
"""

from __future__ import annotations

import pytest
from celery.exceptions import TimeoutError
from celery.result import AsyncResult
from pytest_celery import CeleryTestSetup, CeleryTestWorker

WAIT = 15
"""Seconds after which a result is missing."""
CLOSED = "ledger:closed"
BUSY = "printer:busy"


def issue(celery_setup: CeleryTestSetup, matter: str, *cents: int) -> AsyncResult:
    """Send the task, and return at once. `get(timeout=WAIT)` of the result waits for the invoice."""
    return celery_setup.app.send_task(
        "invoices.issue", args=[matter, cents], queue=celery_setup.worker.worker_queue
    )


def test_total(celery_setup: CeleryTestSetup) -> None:
    """`total`: two equal amounts count twice. Given."""
    invoice = issue(celery_setup, "Smith v Jones", 100, 250, 100).get(timeout=WAIT)
    assert invoice == {"matter": "Smith v Jones", "number": 1, "total": 450}


def test_log(celery_setup: CeleryTestSetup, celery_worker: CeleryTestWorker) -> None:
    """`private`: the log names the invoice, and none of its amounts. Given."""
    issue(celery_setup, "Smith v Jones", 70_331, 4).get(timeout=WAIT)
    celery_worker.assert_log_exists("printing invoice 1 of Smith v Jones", timeout=5)
    assert "70331" not in celery_worker.logs()


def test_numbers(celery_setup: CeleryTestSetup) -> None:
    """`next`, `again`: numbers go up by one, and a matter keeps its invoice."""
    # BEGIN SOLUTION 8.8
    # ? a) `next`: fail if the numbers do not begin with 1, or do not go up by one.
    # ? b) `again`: fail if a matter that is issued again gets another invoice, also with other amounts,
    # ? or if that uses up a number.
    first = issue(celery_setup, "A", 100).get(timeout=WAIT)
    second = issue(celery_setup, "B", 200).get(timeout=WAIT)
    again = issue(celery_setup, "A", 999).get(timeout=WAIT)
    third = issue(celery_setup, "C", 300).get(timeout=WAIT)
    assert [first["number"], second["number"], third["number"]] == [1, 2, 3]
    assert again == first
    # END SOLUTION


def test_at_the_same_time(celery_setup: CeleryTestSetup) -> None:
    """`together`: invoices that are issued at the same time have different numbers."""
    # BEGIN SOLUTION 8.8
    # ? c) `together`: fail if two invoices that run at the same time get one number. The worker runs two
    # ? tasks at once, so send several before you wait for the first.
    results = [issue(celery_setup, f"matter {n}", 100) for n in range(8)]
    numbers = [result.get(timeout=WAIT)["number"] for result in results]
    assert sorted(numbers) == list(range(1, 9))
    # END SOLUTION


def test_refused_amounts(celery_setup: CeleryTestSetup) -> None:
    """`empty`, `refused`, `gap`: the task refuses wrong amounts, and uses up no number."""
    # BEGIN SOLUTION 8.8
    # ? d) `empty`, `refused`: fail if an invoice without amounts is issued, or one with an amount that is
    # ? zero or below. `get` raises the error of the task, and `pytest.raises` expects it.
    # ? e) `gap`: fail if a refused invoice uses up a number.
    for cents in ([], [0], [500, -100]):
        with pytest.raises(ValueError):
            issue(celery_setup, "A", *cents).get(timeout=WAIT)
    assert issue(celery_setup, "A", 100).get(timeout=WAIT)["number"] == 1
    # END SOLUTION


def test_a_closed_ledger(celery_setup: CeleryTestSetup) -> None:
    """`closed`: the task waits until the ledger opens."""
    ledger = celery_setup.backend.container.client
    # BEGIN SOLUTION 8.8
    # ? f) `closed`: fail if the task ends while the key `CLOSED` exists, or if no invoice is issued after
    # ? the key was deleted. `ledger.set(CLOSED, "1")` makes the key, and `ledger.delete` deletes it.
    ledger.set(CLOSED, "1")
    result = issue(celery_setup, "A", 100)
    with pytest.raises(TimeoutError):
        result.get(timeout=1)
    ledger.delete(CLOSED)
    assert result.get(timeout=WAIT)["number"] == 1
    # END SOLUTION


def test_a_killed_worker(celery_setup: CeleryTestSetup, celery_worker: CeleryTestWorker) -> None:
    """`killed`: the next worker issues the invoice."""
    ledger = celery_setup.backend.container.client
    # BEGIN SOLUTION 8.8
    # ? g) `killed`: fail if the invoice is lost when the worker is killed while it prints. The key `BUSY`
    # ? keeps it at the printer. Wait for the log line, call `celery_worker.kill()`, delete the key, and call
    # ? `celery_worker.restart()`.
    ledger.set(BUSY, "1")
    result = issue(celery_setup, "A", 100)
    celery_worker.wait_for_log("printing invoice", timeout=WAIT)
    celery_worker.kill()
    ledger.delete(BUSY)
    celery_worker.restart()
    assert result.get(timeout=WAIT)["number"] == 1
    # END SOLUTION
