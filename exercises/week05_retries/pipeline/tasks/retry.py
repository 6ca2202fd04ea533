"""Retries: which errors pass by themselves, how long to wait, and what runs again."""

from __future__ import annotations

import random
from typing import Any

import kombu.exceptions
import openai
import psycopg
import redis.exceptions
from celery.utils.log import get_task_logger

from pipeline.errors import PipelineError, TransientError
from pipeline.lifecycle.decisions import Drop, RetryAfter
from pipeline.models.dead_letters import ReliableJob
from pipeline.models.leases import hand_over
from pipeline.models.retry_settings import retry_settings
from pipeline.models.settings import job_settings
from pipeline.retry_after import asked_wait

logger = get_task_logger(__name__)

CONNECTION_ERRORS = (
    openai.APIConnectionError,  # has APITimeoutError
    psycopg.OperationalError,  # has PoolTimeout
    kombu.exceptions.OperationalError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    ConnectionError,
    TimeoutError,
)
"""Something that we depend on did not answer, or broke off."""
QUOTA = "insufficient_quota"
"""The provider's code for "your money is used up": a 429 too."""
MAX_ASKED_SECONDS = 3600.0
"""Nobody may ask for a longer wait, whatever `Retry-After` says. The jitter comes on top."""
MAX_DOUBLINGS = 30
"""Past any cap, and far from where a float overflows."""


def is_transient(error: BaseException) -> bool:
    """Whether the same call may work later, with nothing changed.

    An error that nobody has thought of is none of those: it is a mistake in a program, and a person
    replays the job when it is mended.
    """
    if isinstance(error, PipelineError):  # our own say it themselves
        return isinstance(error, TransientError)
    # TODO 5.1: The provider answered (`openai.APIStatusError` has `status_code` and `code`).
    #   Which answers say "not now": too many requests, too slow, broken on its side? And which of
    #   them will never pass by waiting, because money must be paid first (`QUOTA`)? It did not
    #   answer at all, or another service did not: `CONNECTION_ERRORS`.
    raise NotImplementedError("5.1")


def backoff(attempt: int, base: float, cap: float, asked: float | None = None) -> float:
    """Seconds to wait after attempt number `attempt` (from 1) has failed. At random.

    Exponential backoff with full jitter, as in "Exponential Backoff And Jitter" (AWS Architecture
    Blog, 2015).

    Args:
        base: the longest wait after the first attempt, seconds.
        cap: the longest wait at all, seconds, unless `asked` says more.
        asked: what the provider asked us to wait, seconds (`Retry-After`). Never less than this, up
            to `MAX_ASKED_SECONDS`.
    """
    # TODO 5.2: The longest wait doubles with each attempt, from `base` to `cap`, and no further (a
    #   large `attempt` must not overflow: `MAX_DOUBLINGS`). The wait is picked at random between
    #   zero and that: whatever failed together must not come back together. What the provider asked
    #   for is the least. All that were told the same number would come back together, too: where
    #   does the jitter belong then?
    raise NotImplementedError("5.2")


def try_again(
    job: ReliableJob, changes: dict[str, Any], attempt: int, error: Exception
) -> RetryAfter | Drop:
    """Let this step, and no other, run again after a while: write that on the row, and decide how.

    Args:
        job: as the step took it.
        changes: what to write on the row: the count of attempts, and the step that waits. If the
            message is lost, the outbox reads it.
        attempt: the number of the one that failed.
        error: why.

    Returns:
        RetryAfter: Celery sends the step's message again after so many seconds, with all that
            follows the step.
        Drop: no message is sent. The row alone keeps the wait, and the outbox ends it.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
    """
    settings = retry_settings()
    wait = backoff(
        attempt, settings.backoff_base_seconds, settings.backoff_cap_seconds, asked_wait(error)
    )
    logger.warning("job %s: attempt %d failed, again in %.2f s: %r", job.id, attempt, wait, error)
    # TODO 5.3: End the lease with `hand_over`, and write `changes` with it. Otherwise the step
    #   would meet its own lease when it runs again.
    #   A message that waits in a worker for a long time is delivered twice. If the wait is above
    #   `broker_wait_seconds`, make the row due when the wait ends, and return `Drop`.
    #   Otherwise a message carries the wait. Make the row due when that message counts as lost:
    #   after the wait and `redrive_seconds` more. Then return `RetryAfter` with the wait and the
    #   error.
    raise NotImplementedError("5.3")
