"""Counts the outcomes of webhook attempts, when they are written. Given to students complete."""

from __future__ import annotations

from pipeline.live.publisher import row_written as publish
from pipeline.metrics.hook import harmless
from pipeline.metrics.measures import WEBHOOKS
from pipeline.models.table import Item
from pipeline.webhooks.deliveries import KIND, Attempt, Delivery


def row_written(item: Item) -> None:
    """Publish a change as week 7 does, and count the webhook attempt whose outcome it records.

    The jobs table calls this after each of its writes (`ROW_WRITTEN`), in workers and in the API.
    """
    publish(item)
    if item.get("kind") == KIND:
        with harmless("a webhook attempt"):
            count_attempt(Delivery.from_item(item))


def count_attempt(delivery: Delivery) -> None:
    """Count the latest attempt, if this write has recorded its outcome.

    The write that begins an attempt has no outcome yet. The write with which an owner asks to send a
    webhook again shows the old attempt once more, but restarts the schedule, so `number` is 0.
    """
    attempt = delivery.attempts.get(str(delivery.tries))
    outcome = outcome_of(attempt) if attempt and delivery.number > 0 else None
    if outcome:
        WEBHOOKS.labels(outcome).inc()


def outcome_of(attempt: Attempt) -> str | None:
    """Return the class of the response's status, or the kind of error. None: it is not known yet."""
    if attempt.status is not None:
        return f"{attempt.status // 100}xx"
    return attempt.error
