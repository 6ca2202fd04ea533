"""Log lines as JSON objects that carry the job's id.

A program reads these lines, so each is one object on one line. `job_id` joins the lines that the API, all
workers and all attempts have written about one document.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

JOB_ID: ContextVar[str | None] = ContextVar("job_id", default=None)
"""The job that this task or request is about."""
TASK_ID: ContextVar[str | None] = ContextVar("task_id", default=None)
OTHER_HANDLERS = ("uvicorn", "uvicorn.access", "uvicorn.error")
"""Loggers with handlers of their own."""


def fields(
    record: logging.LogRecord, job_id: str | None, task_id: str | None, error: str | None
) -> dict[str, Any]:
    """Return the fields of one log line. Each value is a text.

    Args:
        record: what was logged.
        job_id: the job that it is about. None: it is about no job.
        task_id: the task that has logged it. None: no task runs.
        error: the traceback. None: there is none.
    """
    # BEGIN SOLUTION 8.6
    # ? k) `time`: when the record was made (`record.created`), in ISO 8601 with the offset of UTC, such as
    # ? `2026-11-30T17:05:09.120000+00:00`.
    # ? l) `level` and `logger`: the names of both. `message`: the message with its arguments filled in.
    # ? m) `job_id`, `task_id` and `error`: as given. Leave each out if it is None.
    optional = {"job_id": job_id, "task_id": task_id, "error": error}
    return {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        **{name: value for name, value in optional.items() if value is not None},
    }
    # END SOLUTION


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object on one line. Given to students complete."""

    def format(self, record: logging.LogRecord) -> str:
        error = self.formatException(record.exc_info) if record.exc_info else None
        try:
            line = fields(record, JOB_ID.get(), TASK_ID.get(), error)
        except NotImplementedError:  # until the exercise is done
            return super().format(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def use_json(level: int | str = logging.INFO) -> None:
    """Let this process log as JSON, on standard error. Given to students complete."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in OTHER_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
