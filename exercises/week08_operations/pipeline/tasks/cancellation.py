"""Cancellation: a running step stops early, and nothing of a cancelled job stays in the index.

`POST /jobs/{id}/cancel` (week 7) changes the job's row, and the row is the only flag. A waiting job never
starts, because `acquire` takes only a job that is pending. This module adds what a running job needs.
"""

from __future__ import annotations

import time
from contextlib import suppress

from celery.utils.log import get_task_logger

from pipeline.errors import PermanentError
from pipeline.lifecycle.decisions import AfterError, BeforeRun, Drop, Run
from pipeline.lifecycle.hooks import JobHook, TaskCall
from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.job import Job, Status
from pipeline.models.listing import read_row
from pipeline.steps.database import connection
from pipeline.steps.progress import guard

logger = get_task_logger(__name__)

CHECK_SECONDS = 1.0
"""The shortest time between two reads of the row by one step."""


class JobCancelled(PermanentError):
    """The job was cancelled or deleted, or another worker has taken it. The step stops."""

    default_message = "The job was cancelled."


class CancelCheck:
    """Stops one run of a step if its worker no longer has the job. It is called many times a second.

    Args:
        job: the job as the worker took it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.next_at = time.monotonic() + CHECK_SECONDS

    def __call__(self) -> None:
        """Look at the job's row, if it is time.

        Raises:
            JobCancelled: the worker no longer has the job.
        """
        # TODO 8.3:
        #   a) Read the row with `read_row(self.job.id)`, but at most once in `CHECK_SECONDS`. If
        #      `time.monotonic()` is before `self.next_at`, return without a read. `self.next_at` is
        #      set already, because the worker has just taken the job.
        #   b) Raise `JobCancelled` if there is no row, if its `status` is not `Status.PROCESSING`,
        #      or if its `generation` is not that of `self.job`: another worker has the job now.
        #   c) If `read_row` raises `JobStoreUnavailable`, return. A step does not stop because
        #      DynamoDB does not answer for a moment. It asks again after `CHECK_SECONDS`.
        raise NotImplementedError("8.3")


LOCK_DOCUMENT = "SELECT lock_document(%s, %s)"
WITHDRAW = """
INSERT INTO withdrawn (document_id, owner) VALUES (%s, %s)
ON CONFLICT (document_id, owner) DO UPDATE SET withdrawn_at = now()
"""
DELETE = "DELETE FROM documents WHERE document_id = %s AND owner = %s"
"""Deletes the document's row. Its chunks are deleted with it."""


def withdraw(document_id: str, owner: str) -> None:
    """Remove a document from the index, for good: a worker that is late cannot add it again.

    PostgreSQL refuses to write a document that is in the table `withdrawn` (a trigger of the migration
    `m0802_withdrawn`). The trigger takes the document's lock until the end of its transaction.

    Args:
        document_id: the document. It need not be in the index.
        owner: the owner of the document.

    Raises:
        psycopg.Error: the database is unreachable. Nothing was changed.
    """
    names = [document_id, owner]
    # TODO 8.3:
    #   d) Execute the three statements above in one transaction (`database.transaction()`), each
    #      with `names`, so that there is no moment at which the document is deleted and can be
    #      written again.
    #   e) Execute `LOCK_DOCUMENT` first. If a worker is writing the document at this moment, this
    #      waits for the end of its transaction. Without the lock, `DELETE` would not see the rows
    #      of that worker.
    #   f) Do not catch errors. A second call is no error.
    raise NotImplementedError("8.3")


class Cancellation(JobHook):
    """Acts at three moments of a job: before a run, after an error, and after the end."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Let a new check stop the step that is about to run. Given to students complete."""
        check = CancelCheck(job)

        def if_written() -> None:
            with suppress(NotImplementedError):  # until the exercise is done, no step stops early
                check()

        guard(if_written)
        return Run()

    def on_error(self, job: Job, call: TaskCall, error: Exception) -> AfterError | None:
        """Decide about an error before the retries of week 5 do."""
        try:
            # TODO 8.3:
            #   g) For a `JobCancelled`, return `Drop` with a reason. The row knows already how the
            #      job has ended, so there is no retry and no dead letter.
            #   h) For any other error, return None: the next hook decides.
            raise NotImplementedError("8.3")
        except NotImplementedError:
            return None

    def ended(self, job: Job) -> None:
        """Clean up after the end of a job, in a worker or in the API process."""
        try:
            # TODO 8.3:
            #   i) If the job was cancelled, `withdraw` its document: `job.id` and `job.owner`. A
            #      job can be cancelled in the moment after its last step has written the index.
            #   j) Leave the index alone after every other end.
            raise NotImplementedError("8.3")
        except NotImplementedError:
            return
