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
    # TODO 8.8:
    #   a) `next`: fail if the numbers do not begin with 1, or do not go up by one.
    #   b) `again`: fail if a matter that is issued again gets another invoice, also with other
    #      amounts, or if that uses up a number.
    raise NotImplementedError("8.8")


def test_at_the_same_time(celery_setup: CeleryTestSetup) -> None:
    """`together`: invoices that are issued at the same time have different numbers."""
    # TODO 8.8:
    #   c) `together`: fail if two invoices that run at the same time get one number. The worker
    #      runs two tasks at once, so send several before you wait for the first.
    raise NotImplementedError("8.8")


def test_refused_amounts(celery_setup: CeleryTestSetup) -> None:
    """`empty`, `refused`, `gap`: the task refuses wrong amounts, and uses up no number."""
    # TODO 8.8:
    #   d) `empty`, `refused`: fail if an invoice without amounts is issued, or one with an amount
    #      that is zero or below. `get` raises the error of the task, and `pytest.raises` expects
    #      it.
    #   e) `gap`: fail if a refused invoice uses up a number.
    raise NotImplementedError("8.8")


def test_a_closed_ledger(celery_setup: CeleryTestSetup) -> None:
    """`closed`: the task waits until the ledger opens."""
    ledger = celery_setup.backend.container.client
    # TODO 8.8:
    #   f) `closed`: fail if the task ends while the key `CLOSED` exists, or if no invoice is issued
    #      after the key was deleted. `ledger.set(CLOSED, "1")` makes the key, and `ledger.delete`
    #      deletes it.
    raise NotImplementedError("8.8")


def test_a_killed_worker(celery_setup: CeleryTestSetup, celery_worker: CeleryTestWorker) -> None:
    """`killed`: the next worker issues the invoice."""
    ledger = celery_setup.backend.container.client
    # TODO 8.8:
    #   g) `killed`: fail if the invoice is lost when the worker is killed while it prints. The key
    #      `BUSY` keeps it at the printer. Wait for the log line, call `celery_worker.kill()`,
    #      delete the key, and call `celery_worker.restart()`.
    raise NotImplementedError("8.8")
