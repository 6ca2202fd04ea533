"""What is done for a job that is due. Given."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.lifecycle.publishing import publish
from pipeline.models.job import Job
from pipeline.models.table import Item

DueHandler = Callable[[Item], None]
"""Sends the messages that an item needs when it is due. If it raises, the item is due again."""


def redrive(item: Item) -> None:
    """Publish an overdue job again: its message was lost, or its worker died."""
    publish(Job.from_item(item).document)
