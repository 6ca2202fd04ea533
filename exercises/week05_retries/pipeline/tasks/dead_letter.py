"""Dead letters: what is stored about a failed job, and the write that fails the job."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Mapping
from typing import Any

from celery.utils.log import get_task_logger

from pipeline.errors import PipelineError, public_error
from pipeline.models.dead_letters import Failures, ReliableJob
from pipeline.models.job import Status, move
from pipeline.models.retry_settings import retry_settings
from pipeline.models.table import exact, moment
from pipeline.retry_errors import PoisonJob

logger = get_task_logger(__name__)

MAX_DETAIL_CHARS = 4_000
"""How much of a traceback is stored. The end is kept, because it says what went wrong."""
MAX_MESSAGE_CHARS = 500
"""How much of a foreign exception's message the fingerprint uses."""
_VARIABLE = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}[0-9a-f-]{8,}|\d+|'[^']*'|\"[^\"]*\"", re.IGNORECASE
)
"""Numbers, ids and quoted names: the parts in which two failures of the same kind differ."""


def fingerprint(step: str, error: BaseException) -> str:
    """Return 16 hexadecimal digits that are equal for failures of the same kind. Given to students
    complete.

    Two failures are of the same kind if they have the same step, the same class, and the same message
    after numbers, ids and quoted names are replaced.
    """
    message = "" if isinstance(error, PipelineError) else str(error)[:MAX_MESSAGE_CHARS]
    same = "\n".join([step, class_name(error), _VARIABLE.sub("#", message)])
    return hashlib.sha256(same.encode("utf-8", "replace")).hexdigest()[:16]


def class_name(error: BaseException) -> str:
    """Return the class with its module, such as `openai.AuthenticationError`. Given to students complete.

    A built-in class has no module in its name: `KeyError`.
    """
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def detail_of(error: BaseException) -> str:
    """Return the last `MAX_DETAIL_CHARS` characters of the traceback. Given to students complete."""
    text = "".join(traceback.format_exception(error))
    return text.encode("utf-8", "replace").decode()[-MAX_DETAIL_CHARS:]


def dead_letter(
    job: ReliableJob,
    step: str,
    task: str,
    arguments: list[Any],
    failures: Failures,
    error: BaseException,
) -> dict[str, Any]:
    """Make the dead letter of a job that fails now.

    Args:
        job: the job as it was when it failed.
        step: the name of the step that failed.
        task: the name of the task that ran.
        arguments: the arguments of that task: references, never contents.
        failures: how often the step has failed, this time included, and when first (seconds since 1970).
        error: the error of this attempt.

    Returns:
        All attributes of `DeadLetter`, in the form that the table accepts. `error` as a client may see
        it is in `public`, with the entries `type` and `message`.
    """
    public = public_error(error)
    # TODO 5.4:
    #   a) Return a dict with exactly the twelve attributes of `DeadLetter`. `step`, `task` and
    #      `arguments` are what was passed, unchanged.
    #   b) For clients: `kind` is the `type` of `public`, and `message` is its `message`. Text of a
    #      foreign exception must not be in either of them.
    #   c) For the operator: `exception` is `class_name(error)`, and `detail` is `detail_of(error)`,
    #      which has at most 4,000 characters.
    #   d) `attempts` is `failures.count`, the errors of the step. `deliveries` is `job.deliveries`,
    #      the workers that started the job.
    #   e) `first_at` is `failures.first_at`, converted by `exact`. `last_at` is now: `moment()`.
    #      The table rejects floats.
    #   f) `fingerprint` is `fingerprint(step, error)`.
    raise NotImplementedError("5.4")


def dead_letter_job(
    job: ReliableJob, letter: Mapping[str, Any], more: Mapping[str, Any]
) -> ReliableJob:
    """Fail a job and store its dead letter, in one conditional write.

    Args:
        job: the job as this worker has it.
        letter: the result of `dead_letter`.
        more: further attributes for the same write. Later weeks add webhooks here.

    Returns:
        The job as it is after the write.

    Raises:
        JobConflict: the job was cancelled, or another worker has taken it. Nothing was written.
    """
    error = {"type": letter["kind"], "message": letter["message"]}
    # TODO 5.4:
    #   g) Write the row once, with `move` to `Status.FAILED` and `generation=job.generation`.
    #      `move` also ends the lease and the due time, and sets `finished_at` and `expires_at`.
    #   h) The same write sets `error`, `dead_letter` (the letter as a plain dict), `dead_at` (the
    #      letter's `last_at`, or now), and everything in `more`. The list finds dead letters by
    #      `dead_at`.
    #   i) After the write, log one line at level ERROR that contains the job's id and the letter's
    #      fingerprint. If the write raises `JobConflict`, log nothing and let the error leave.
    #   j) Return the result of `move` as a `ReliableJob`, with `ReliableJob.of`.
    raise NotImplementedError("5.4")


def refuse_poison(job: ReliableJob) -> None:
    """Refuse a poison job: one during which too many workers died.

    It is called when a worker has just taken a job for the second time or later, before any step of the
    document runs. `limit` is how many workers may start the job.

    Raises:
        PoisonJob: the job must not run again.
    """
    limit = retry_settings().max_deliveries
    # TODO 5.5:
    #   a) Subtract `job.lost_messages` from `job.deliveries`. These deliveries were needed because
    #      a message was lost, and no worker died. `job.deliveries` includes the current delivery.
    #   b) The rest counts the workers that started this job: those that died, plus the current one.
    #      Raise `PoisonJob` if it is above `limit`. Exactly `limit` is still allowed.
    #   c) Errors of a step (`job.failures`) must not count: they do not end a worker.
    raise NotImplementedError("5.5")
