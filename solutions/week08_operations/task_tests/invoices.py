"""Numbers the invoices of a law firm. Given to students complete: this is the task that 8.8 tests.

It needs a broker and a result backend in Redis, and nothing else of the pipeline, so that it also runs in the
containers of pytest-celery.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from celery import Task, shared_task

logger = logging.getLogger(__name__)

BUSY = "printer:busy"
"""While this key exists, the printer is busy with an invoice."""
BUSY_SECONDS = 60
POLL_SECONDS = 0.05
RETRY_SECONDS = 0.2
TRIES = 50
CLOSED = "ledger:closed"
"""While this key exists, the ledger is closed and no invoice can be issued."""
LAST_NUMBER = "ledger:last_number"
INVOICES = "ledger:invoices"


class LedgerClosed(Exception):
    """The ledger is closed at the moment. It opens again soon."""


@shared_task(
    bind=True,
    name="invoices.issue",
    acks_late=True,
    autoretry_for=(LedgerClosed,),
    default_retry_delay=RETRY_SECONDS,
    max_retries=TRIES,
)
def issue(self: Task, matter: str, cents: list[int]) -> dict[str, Any]:
    """Issue the invoice of one matter of the law firm, and return it.

    Args:
        matter: the name of the matter. A matter has one invoice.
        cents: the amounts on the invoice. All are above zero, and there is at least one.

    Returns:
        `{"matter": "Smith v Jones", "number": 12, "total": 250_00}`.

        `total`: the total is the sum of all amounts.
        `next`: the first invoice has the number 1, and each new invoice has the next number.
        `again`: a matter that has an invoice gets the same one again, and no number is used up.
        `together`: two invoices that are issued at the same time have two numbers.

    Raises:
        ValueError: `empty`: there is no amount. `refused`: an amount is not above zero. `gap`: neither
            uses up a number.

    `closed`: while the ledger is closed, the task waits. It goes on when the ledger opens.
    `killed`: if the worker is killed while it prints an invoice, the next worker issues the invoice. It
    prints for as long as the printer is busy.
    `private`: the log says "printing invoice 12 of Smith v Jones". It has none of the amounts in `cents`.
    """
    ledger = self.app.backend.client
    if not cents or min(cents) <= 0:
        raise ValueError("an invoice needs amounts above zero")
    if ledger.exists(CLOSED):
        raise LedgerClosed
    known = ledger.hget(INVOICES, matter)
    if known is None:
        number = ledger.incr(LAST_NUMBER)
        invoice = {"matter": matter, "number": number, "total": sum(cents)}
        ledger.hsetnx(INVOICES, matter, json.dumps(invoice))
        known = ledger.hget(INVOICES, matter)
    found: dict[str, Any] = json.loads(known)
    logger.info("printing invoice %s of %s", found["number"], matter)
    deadline = time.monotonic() + BUSY_SECONDS
    while ledger.exists(BUSY) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
