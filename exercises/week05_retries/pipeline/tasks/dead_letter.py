"""Dead letters: what is kept of a job that is given up, and when it is."""

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
"""Of a traceback, the end: there stands what went wrong."""
MAX_MESSAGE_CHARS = 500
"""Of a foreign exception's message, for the fingerprint."""
_VARIABLE = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}[0-9a-f-]{8,}|\d+|'[^']*'|\"[^\"]*\"", re.IGNORECASE
)
"""Numbers, ids and quoted names: what differs between two failures of the same kind."""


def fingerprint(step: str, error: BaseException) -> str:
    """Equal for failures of the same kind: same step, same class, same message but for numbers, ids
    and quoted names. 16 hexadecimal digits. Given.
    """
    message = "" if isinstance(error, PipelineError) else str(error)[:MAX_MESSAGE_CHARS]
    same = "\n".join([step, class_name(error), _VARIABLE.sub("#", message)])
    return hashlib.sha256(same.encode("utf-8", "replace")).hexdigest()[:16]


def class_name(error: BaseException) -> str:
    """`openai.AuthenticationError`, or only the name where it is built in. Given."""
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def detail_of(error: BaseException) -> str:
    """The end of the traceback. Given."""
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
    """The attributes of `DeadLetter`, as the table takes them: times by `exact`.

    Args:
        job: as it was when it failed.
        step: the step's name; `task` and `arguments` are what ran.
        failures: how often the step has failed, this time included, and when first.
        error: why, this time.
    """
    public = public_error(error)
    # TODO 5.4: Somebody reads this next week, and the log is gone. What was run (`step`, `task`,
    #   `arguments`)? What went wrong: `kind` and `message` as a client may read them, and the truth
    #   for the operator (`exception`: `class_name`, `detail`: `detail_of`)? How often was it tried,
    #   how often had a worker begun (`attempts`, `deliveries`)? When first, and when last? And of
    #   which kind is it (`fingerprint`)?
    raise NotImplementedError("5.4")


def bury(job: ReliableJob, letter: Mapping[str, Any], more: Mapping[str, Any]) -> ReliableJob:
    """Give the job up: it is failed, and has its dead letter. `more` is written along.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
    """
    error = {"type": letter["kind"], "message": letter["message"]}
    # TODO 5.4: One write, in the generation of the worker that has the job: the state, `error`,
    #   `dead_letter`, and `dead_at`, by which the list finds it. If the letter were written before
    #   or after the state, what could be left behind when the worker dies between the two?
    #   Then one line in the log, as an error: which job, which kind (`fingerprint`), why.
    raise NotImplementedError("5.4")


def refuse_poison(job: ReliableJob) -> None:
    """Refuse a job that has ended too many workers. It is asked about a job that a worker has just
    taken, from the second delivery on, before anything of the document is touched.

    Raises:
        PoisonJob: do not begin with it.
    """
    limit = retry_settings().max_deliveries
    # TODO 5.5: Nobody catches the signal that kills a process, so a job that kills its worker
    #   raises no error. What is left of each try is a delivery. `deliveries` has this one already,
    #   and `limit` of them may be worked on. A delivery that was needed because a message was lost
    #   (`lost_messages`) is not the document's fault.
    raise NotImplementedError("5.5")
