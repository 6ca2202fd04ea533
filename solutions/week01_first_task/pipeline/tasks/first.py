"""The first task: a summary that is made by a worker, not by whoever asked for it."""

from __future__ import annotations

from celery import Task
from celery.utils.log import get_task_logger

from pipeline.summarizer import summarize
from pipeline.tasks.celery_config import app

logger = get_task_logger(__name__)


@app.task(bind=True, name="pipeline.summarize_article")
def summarize_article(self: Task, title: str) -> dict[str, str]:
    """Summarise one article. Runs on a worker and writes its task id to the worker's log.

    Returns `{"title": …, "summary": …}`.
    """
    # BEGIN SOLUTION 1.2
    # ? Log one line of your own that holds this task's id. `bind=True` gave you `self`: ask it.
    # ? Then let `summarize` do the slow work, and return the title and the summary.
    logger.info("summarising %r as task %s", title, self.request.id)
    return {"title": title, "summary": summarize(title)}
    # END SOLUTION
