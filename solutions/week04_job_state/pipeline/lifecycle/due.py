"""The handler of jobs that are due. Given."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.lifecycle.publishing import publish
from pipeline.models.job import Job
from pipeline.models.table import Item

DueHandler = Callable[[Item], None]
"""Publishes the messages that a due item needs. If it raises, the item is due again."""


def redrive(item: Item) -> None:
    """Publish an overdue job again: its message was lost, or its worker died."""
    publish(Job.from_item(item).document)
