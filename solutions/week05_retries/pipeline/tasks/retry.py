"""Retries: which errors are transient, how long to wait, and how the failed step runs again."""

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
    openai.APIConnectionError,  # also its subclass APITimeoutError
    psycopg.OperationalError,  # also its subclass PoolTimeout
    kombu.exceptions.OperationalError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    ConnectionError,
    TimeoutError,
)
"""The errors of a service that did not answer, or that closed the connection."""
QUOTA = "insufficient_quota"
"""The `code` of a 429 that says that the account has no money left."""
MAX_ASKED_SECONDS = 3600.0
"""The longest wait that a provider can ask for, whatever `Retry-After` says. The jitter is added to it."""
MAX_DOUBLINGS = 30
"""More doublings than any cap needs, and far fewer than those that overflow a float."""


def is_transient(error: BaseException) -> bool:
    """Decide whether the same call may succeed later, with nothing changed.

    An unknown error is permanent. It is probably a bug, and an operator can replay the job after the bug
    is fixed.

    Returns:
        True: retry the step. False: the error is permanent, so the job fails.
    """
    if isinstance(error, PipelineError):  # our own errors say it by their class
        return isinstance(error, TransientError)
    # BEGIN SOLUTION 5.1
    # ? a) An `openai.APIStatusError` is an answer of the provider. Return True for the statuses 408 and
    # ? 429, and for all from 500 on.
    # ? b) A 429 whose `code` is `QUOTA` is permanent: return False. Every other 429 is transient,
    # ? whatever its `code` is, and also without a `code`.
    # ? c) Return False for every other status.
    # ? d) Return True for an instance of one of the `CONNECTION_ERRORS`, subclasses included.
    # ? e) Return False for every other error.
    if isinstance(error, openai.APIStatusError):
        if error.status_code == 429:
            return error.code != QUOTA
        return error.status_code == 408 or error.status_code >= 500
    return isinstance(error, CONNECTION_ERRORS)
    # END SOLUTION


def backoff(attempt: int, base: float, cap: float, asked: float | None = None) -> float:
    """Draw a random wait: exponential backoff with a cap and full jitter.

    The method is "full jitter" of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).

    Args:
        attempt: the number of the attempt that has failed, from 1.
        base: the longest wait after the first attempt, in seconds.
        cap: the longest random wait after any attempt, in seconds.
        asked: the wait that the provider asked for, in seconds (`Retry-After`). None or 0: it did not
            ask.

    Returns:
        The seconds to wait, as a float.
    """
    # BEGIN SOLUTION 5.2
    # ? a) The longest wait after attempt n is `base * 2 ** (n - 1)`, and at most `cap`. An `attempt` of
    # ? several thousand must not overflow, so double at most `MAX_DOUBLINGS` times.
    # ? b) Draw the wait at random between 0 and this longest wait, each value equally likely. Apply the
    # ? cap before you draw, and do not round the wait to whole seconds.
    # ? c) Use a source of random numbers without a fixed seed, so that each process has its own.
    # ? d) If `asked` is set, return `asked` plus the same random wait. Count at most
    # ? `MAX_ASKED_SECONDS` of `asked`. The cap does not limit `asked`, nor the sum.
    # ? e) You may draw the random wait that you add to `asked` from a larger range: up to a tenth of
    # ? `asked`, if that is more. If `asked` is None or 0, return the random wait alone.
    longest = min(cap, base * 2 ** min(attempt - 1, MAX_DOUBLINGS))
    jitter = random.uniform(0, longest)  # noqa: S311
    return min(asked or 0.0, MAX_ASKED_SECONDS) + jitter
    # END SOLUTION


def try_again(
    job: ReliableJob, changes: dict[str, Any], attempt: int, error: Exception
) -> RetryAfter | Drop:
    """Prepare the retry of one step: write the row, and decide how the step's message is sent.

    A retry delay is kept by a message or by the row. While a message keeps it, a worker holds the
    message until the delay ends. If the row keeps it, the outbox sends the message.

    Args:
        job: the job as the step took it.
        changes: attributes for the row: the number of failed attempts, and the step that waits with its
            arguments. The outbox uses them if the message is lost.
        attempt: the number of the attempt that has failed, from 1.
        error: the error of this attempt.

    Returns:
        RetryAfter(seconds, error): Celery sends the message of this step again, with this delay and with
            all steps that follow.
        Drop(reason): no message is sent. The row keeps the delay.

    Raises:
        JobConflict: the job was cancelled, or another worker has taken it. Nothing was written.
    """
    settings = retry_settings()
    wait = backoff(
        attempt, settings.backoff_base_seconds, settings.backoff_cap_seconds, asked_wait(error)
    )
    logger.warning("job %s: attempt %d failed, again in %.2f s: %r", job.id, attempt, wait, error)
    # BEGIN SOLUTION 5.3
    # ? a) Write the row at once with `hand_over(job, changes, seconds)`. It ends the lease, and the job
    # ? is due after so many seconds. Without it the retry finds the job taken and does nothing.
    # ? b) Do not sleep, and write the row before a message is sent. The message of `RetryAfter` is sent
    # ? when this function has returned.
    # ? c) If `wait` is above `settings.broker_wait_seconds`, the row keeps the delay: make it due after
    # ? `wait`, and return `Drop` with a reason.
    # ? d) Otherwise a message keeps the delay: return `RetryAfter(wait, error)`. Make the row due when
    # ? this message counts as lost: after `wait` plus `job_settings().redrive_seconds`.
    # ? e) Use `wait` unchanged, and let a `JobConflict` of `hand_over` leave the function.
    if wait > settings.broker_wait_seconds:
        hand_over(job, changes, wait)
        return Drop(f"job {job.id} waits on its row")
    hand_over(job, changes, wait + job_settings().redrive_seconds)
    return RetryAfter(wait, error)
    # END SOLUTION
