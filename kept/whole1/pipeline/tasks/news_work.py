"""The tasks that work on the articles: summaries, trends and digests. Given to students complete.

Each task is sent by Beat, finds by itself what is to be done, and claims it in the database. So two runs at
the same time double nothing, and a run that was missed is caught up by the next one. The parts are imported
in the task: most processes need none of them.
"""

from __future__ import annotations

import logging

from celery.utils.log import get_task_logger

from pipeline.tasks.celery_config import app
from pipeline.tasks.quiet_ticks import LOGGERS

logger = get_task_logger(__name__)

SUMMARISE = "pipeline.news_summarise"
TRENDS = "pipeline.news_trends"
DIGEST = "pipeline.news_digest"
TICKS = frozenset({SUMMARISE, TRENDS, DIGEST, "pipeline.news_tick"})
RUN_SECONDS = 600
"""The most seconds that one run may take. At this limit it gets an exception."""
KILL_SECONDS = 630
"""After this time the process of a run is killed."""
LIMITS = {"soft_time_limit": RUN_SECONDS, "time_limit": KILL_SECONDS}


@app.task(name=SUMMARISE, ignore_result=True, acks_late=False, **LIMITS)
def summarise() -> None:
    """Summarise articles that have no summary yet, within the limits of one run."""
    from pipeline.news.summary_run import summarise_open

    if count := summarise_open():
        logger.info("%d articles were summarised", count)


@app.task(name=TRENDS, ignore_result=True, acks_late=False, **LIMITS)
def trends() -> None:
    """Compute the trends of the last closed window, if they are not stored yet."""
    from pipeline.news.trend_run import compute_last_window

    if count := compute_last_window():
        logger.info("%d terms are trends of the last window", count)


@app.task(name=DIGEST, ignore_result=True, acks_late=False, **LIMITS)
def digest() -> None:
    """Send the digests that are due."""
    from pipeline.news.digest_run import send_due

    if count := send_due():
        logger.info("%d digests were sent", count)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether the worker logs this record: it does not log the ticks, only what goes wrong in them."""
    task = record.args.get("name") if isinstance(record.args, dict) else None
    return record.levelno > logging.INFO or task not in TICKS


for _name in LOGGERS:
    logging.getLogger(_name).addFilter(is_worth_a_line)
