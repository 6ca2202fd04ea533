"""The producer: hands work to the broker and goes on."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.tasks.first import summarize_article


def enqueue_articles(titles: Iterable[str]) -> list[str]:
    """Enqueue one task per title, without waiting for any. Returns the task ids, in order."""
    # BEGIN SOLUTION 1.3
    # ? Put each article in the queue and keep the id that comes back.
    # ? Nothing here waits for a result: with no worker running, this returns at once.
    return [summarize_article.delay(title).id for title in titles]
    # END SOLUTION


def enqueue_later(title: str, seconds: float) -> str:
    """Enqueue one task that starts no earlier than `seconds` from now. Returns its id at once."""
    # BEGIN SOLUTION 1.3
    # ? Who waits here: this process, or the worker? Look for the option that counts down.
    return summarize_article.apply_async(args=[title], countdown=seconds).id
    # END SOLUTION
