"""The first green: one message in a queue with a name."""

from __future__ import annotations

from pipeline.tasks.first import summarize_article


def enqueue_in(queue: str, title: str) -> str:
    """Enqueue one `summarize_article` task in a queue of your choice.

    Args:
        queue: the name of the queue. Only workers that consume this queue get the task.
        title: the article to summarise.

    Returns:
        The task id.
    """
    # BEGIN SOLUTION 8.0
    # ? a) Enqueue the task with `summarize_article.apply_async`, and return its id. Name the queue with
    # ? the argument `queue`.
    task_id: str = summarize_article.apply_async(args=[title], queue=queue).id
    return task_id
    # END SOLUTION
