"""Keeps the ticks of the schedule out of the worker's log. Given to students complete.

Celery logs two lines for each task. At one tick in a second they would hide everything else. Warnings and
errors of these tasks are still logged.
"""

from __future__ import annotations

import logging

from pipeline.tasks.schedule import CLEAN_UP, SWEEP

TICKS = frozenset({SWEEP, CLEAN_UP})
LOGGERS = ("celery.worker.strategy", "celery.app.trace")
"""The loggers that report that a task was received, and that it has succeeded."""


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether the worker logs this record."""
    task = record.args.get("name") if isinstance(record.args, dict) else None
    return record.levelno > logging.INFO or task not in TICKS


for name in LOGGERS:
    logging.getLogger(name).addFilter(is_worth_a_line)
