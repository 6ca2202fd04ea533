"""Tasks that keep their job's row up to date, and do nothing where the row says so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.conditions import Attr
from celery import Task
from celery.exceptions import Ignore, TaskPredicate
from celery.utils.log import get_task_logger

from pipeline.documents import DocumentRef
from pipeline.errors import public_error
from pipeline.models.creation import create
from pipeline.models.errors import JobConflict, JobStoreUnavailable
from pipeline.models.job import Job, Status, jobs, move
from pipeline.models.leases import hand_over, keep_alive, lease
from pipeline.models.steps import ENTRY_TASK, STEPS, number_of
from pipeline.models.table import ConditionFailed, Item, moment
from pipeline.owners import current_owner

logger = get_task_logger(__name__)


def acquire(job_id: str, worker: str) -> Job | None:
    """Take a whole job, to run its steps from the first. None: it is not to be run (now).

    Of any number of workers that try at the same time, one gets it.
    """
    changes = {"status": Status.PROCESSING.value, "steps_done": 0, **lease(job_id, worker)}
    # TODO 4.3: One conditional write decides. Who may take the job? Whoever finds it pending; and
    #   whoever finds it in processing with a lease that has run out. Both in one condition.
    #   The same write counts the delivery and raises the generation: `add`.
    #   `moment()` is now, as the table keeps it.
    raise NotImplementedError("4.3")


def begin_step(job_id: str, number: int, worker: str) -> Job | None:
    """Take a job for its step `number` (from 1). None: this step is not what comes next.

    The steps before must be done, this one not, and nobody may have the job. An abandoned lease is
    not for a step to take: the job is begun anew, so that `deliveries` counts it.
    """
    name = STEPS[number - 1].name
    # TODO 4.6: Take the `lease`, and write which step it is and when it started (`steps.parse`
    #   reaches into the map, and takes `{"started_at": …}`). Raise the generation: whoever had the
    #   job before can write no more.
    #   The condition says: the job is in processing, exactly the steps before are done, and there
    #   is no `lease_owner`. So a finished or cancelled job, and a second copy of a message, do
    #   nothing.
    raise NotImplementedError("4.6")


def end_step(job: Job, number: int, more: Mapping[str, Any]) -> Job:
    """Write that step `number` is done. After the last one the job is completed, before it is handed
    over to the next step's worker. `more` is written along.

    Raises:
        JobConflict: the job was cancelled, or taken by another worker. Nothing was written.
    """
    # TODO 4.6: Write how many steps are done, when this one ended (`steps.parse.ended_at`) and how
    #   far the job is: `Step.percent`. A job that was begun anew may be further already; progress
    #   never goes back.
    #   `move` completes a job, `hand_over` passes it on. Which of them, and in whose generation?
    raise NotImplementedError("4.6")


@contextmanager
def dropped() -> Iterator[None]:
    """Without the row nothing is decided: where it refuses, or cannot be asked, this copy of the work
    is dropped. If the job still needs somebody, its row says so, and the outbox reads it.
    """
    try:
        yield
    except (JobConflict, JobStoreUnavailable) as error:
        logger.warning("work on a job is dropped: %s", error)
        raise Ignore from error


class TrackedTask(Task):  # type: ignore[misc]  # Celery has no types
    """A task that runs only if its job's row lets it, and writes there what became of it.

    Which tasks belong to a job says `pipeline.models.steps`; all others run as ever. Given. Later
    weeks override the methods between the two lines.
    """

    abstract = True

    # -- what a later week may do otherwise ----------------------------------------------------

    def take(self, job_id: str, number: int) -> Job | None:
        """Take the job for task `number`. None: there is nothing to do."""
        worker = f"{self.request.hostname}/{os.getpid()}"
        return begin_step(job_id, number, worker) if number else acquire(job_id, worker)

    def succeed(self, job: Job, number: int, result: Any) -> Job:
        """Step `number` is done."""
        last = number == len(STEPS)
        more = {"result": json.dumps(result), **self.finishing(job)} if last else {}
        return end_step(job, number, more)

    def fail(self, job: Job, error: Exception) -> Job:
        """The task raised `error`."""
        more = {"error": public_error(error), **self.finishing(job)}
        return move(job.id, Status.FAILED, more, generation=job.generation)

    def finishing(self, job: Job) -> dict[str, Any]:
        """What else the write says that completes or fails a job."""
        return {}

    def look_after(self, job: Job) -> None:
        """The job is due: its message is lost, or its worker."""
        self.publish(job.document)

    def look_after_item(self, item: Item) -> None:
        """An item of the table is due. In this week they are all jobs."""
        self.look_after(Job.from_item(item))

    # -- how it works --------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        number = number_of(self.name)
        if number is None:
            return self.run(*args, **kwargs)
        with dropped():
            job = self.take(args[0]["document_id"], number)
        if job is None:
            logger.info("nothing to do for job %s", args[0]["document_id"])
            raise Ignore
        self.request.job = job
        return self._work(job, number, *args, **kwargs)

    def _work(self, job: Job, number: int, *args: Any, **kwargs: Any) -> Any:
        try:
            with keep_alive(job):
                result = self.run(*args, **kwargs)
        except TaskPredicate:  # Ignore, Retry, Reject: whoever raised it has seen to the job
            raise
        except Exception as error:
            with dropped():
                self.fail(job, error)
            raise
        with dropped():
            self.succeed(job, number, result)
        return result

    def replace(self, sig: Any) -> Any:
        """End the lease before other tasks take over, or the first of them would meet it."""
        job = getattr(self.request, "job", None)
        if job is not None:
            with dropped():
                hand_over(job, {})
        try:
            return super().replace(sig)
        except TaskPredicate:
            raise
        except Exception as error:
            if job is None:
                raise
            logger.warning("job %s: no message for its steps", job.id, exc_info=error)
            raise Ignore from error

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        task_id: str | None = None,
        **options: Any,
    ) -> Any:
        """For a new document: first the row, then the message. If the broker does not take that, the
        document is accepted all the same.

        Raises:
            JobStoreUnavailable: there is no row, so nothing was accepted.
        """
        if self.name != ENTRY_TASK:
            return super().apply_async(args, kwargs, task_id, **options)
        document = DocumentRef(**args[0])
        create(document, current_owner())
        try:
            return self.publish(document, **options)
        except Exception as error:
            logger.warning("job %s waits for the broker", document.document_id, exc_info=error)
            return self.AsyncResult(document.document_id)

    def publish(self, document: DocumentRef, **options: Any) -> Any:
        """Send a job's message. Raises what Celery raises when the broker does not take it."""
        arguments = [document.as_message()]
        return super().apply_async(arguments, None, document.document_id, **options)
