"""The producer: enqueues tasks and never waits for their results."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.tasks.first import summarize_article


def enqueue_articles(titles: Iterable[str]) -> list[str]:
    """Enqueue one `summarize_article` task per title.

    Args:
        titles: the articles to summarise. A title that occurs twice makes two tasks.

    Returns:
        The task ids, in the order of the titles.
    """
    # BEGIN SOLUTION 1.3
    # ? a) Enqueue one task per title, even for an empty title, and return the ids of the tasks in the
    # ?    order of the titles. `titles` can be a generator. Pass each title on as it is.
    # ? b) Return at once, also while no worker is running: do not wait for any result.
    # ? c) Return only after all messages are in Redis. If Redis rejects one, let the error through.
    return [summarize_article.delay(title).id for title in titles]
    # END SOLUTION


def enqueue_later(title: str, seconds: float) -> str:
    """Enqueue one `summarize_article` task that a worker starts after a delay.

    Args:
        title: the article to summarise.
        seconds: the delay. The task starts no earlier than this many seconds from now.

    Returns:
        The task id.
    """
    # BEGIN SOLUTION 1.3
    # ? d) Enqueue one task that starts no earlier than `seconds` from now, and return its id. The
    # ?    delay can be a fraction of a second or more than a day.
    # ? e) Return at once, with the message in Redis: let the worker wait for the delay, not this
    # ?    process.
    return summarize_article.apply_async(args=[title], countdown=seconds).id
    # END SOLUTION
