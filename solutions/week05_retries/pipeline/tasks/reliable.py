"""Tasks that try again what may pass, and give up what does not. Given."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.conditions import Attr
from celery import chain
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger

from pipeline.models.dead_letters import Failures, ReliableJob, Waiting
from pipeline.models.job import Job, Status, jobs
from pipeline.models.retry_settings import retry_settings
from pipeline.models.steps import STEPS, number_of
from pipeline.models.table import ConditionFailed, exact, moment
from pipeline.tasks.alerts import alert
from pipeline.tasks.dead_letter import bury, dead_letter, refuse_poison
from pipeline.tasks.errors import PoisonJob
from pipeline.tasks.retry import is_transient, try_again
from pipeline.tasks.tracking import TrackedTask

logger = get_task_logger(__name__)

ENTRY_STEP = "ingest"
"""The name of the entry task in a dead letter."""


class ReliableTask(TrackedTask):
    """Week 4's task with retries and dead letters."""

    abstract = True

    def take(self, job_id: str, number: int) -> Job | None:
        """As ever, but a job that has ended too many workers is given up and not begun."""
        job = super().take(job_id, number)
        if job is None or number or job.deliveries == 1:
            return job
        known = ReliableJob.of(job)
        try:
            refuse_poison(known)
        except PoisonJob as error:
            step = known.step or ENTRY_STEP
            failures = known.failures.get(step, Failures(first_at=known.created_at))
            self._give_up(known, step, failures, error)
            return None
        return job

    def fail(self, job: Job, error: Exception) -> Job:
        """Try the step again, if that may help and was not tried too often; else give the job up.

        Raises:
            Retry, Ignore: the step will run again.
        """
        known = ReliableJob.of(job)
        number = number_of(self.name) or 0
        step = STEPS[number - 1].name if number else ENTRY_STEP
        before = known.failures.get(step) or Failures(first_at=float(moment()))
        failures = Failures(count=before.count + 1, first_at=before.first_at)
        tried_enough = failures.count >= retry_settings().max_attempts
        if not number or tried_enough or not is_transient(error):
            return self._give_up(known, step, failures, error)
        waiting = Waiting(number=number, arguments=list(self.request.args))
        changes = {"failures": _counted(known, step, failures), "waiting": waiting.model_dump()}
        try:
            try_again(self, known, changes, failures.count, error)
        except Reject as rejected:  # the broker did not take the message: the row is due later
            logger.warning("job %s waits for the outbox: %s", job.id, rejected)
            raise Ignore from rejected

    def look_after(self, job: Job) -> None:
        """The wait of a step is over, or its message is lost; or that of another; or a worker."""
        known = ReliableJob.of(job)
        if job.status == Status.PROCESSING and job.lease_owner is None:
            if known.waiting and known.waiting.number == job.steps_done + 1:
                resume(self, known, known.waiting)
                return
            count_lost_message(job)
        super().look_after(job)

    def _give_up(
        self, job: ReliableJob, step: str, failures: Failures, error: Exception
    ) -> ReliableJob:
        arguments = list(self.request.args)
        letter = dead_letter(job, step, self.name, arguments, failures, error)
        buried = bury(job, letter, self.finishing(job))
        alert(buried)
        return buried


def resume(task: ReliableTask, job: ReliableJob, waiting: Waiting) -> None:
    """Send the message of a step that waited, and of those behind it. The last has the job's id, as
    in week 3. Raises what Celery raises when the broker does not take it.
    """
    first, *others = STEPS[waiting.number - 1 :]
    signatures = [task.app.signature(first.task, args=waiting.arguments)]
    signatures += [task.app.signature(step.task) for step in others]
    chain(*signatures).apply_async(task_id=job.id)


def _counted(job: ReliableJob, step: str, failures: Failures) -> dict[str, Any]:
    """All failures of the job, as the table takes them."""
    return {
        name: {"count": one.count, "first_at": exact(one.first_at)}
        for name, one in {**job.failures, step: failures}.items()
    }


def count_lost_message(job: Job) -> None:
    """No worker has the job: what is delivered again now says nothing about the document. Counted once
    for each message: while the broker is away, the same job is looked after again and again.
    """
    same = Attr("generation").eq(job.generation)
    first = Attr("lost_generation").not_exists() | Attr("lost_generation").ne(job.generation)
    try:
        seen = {"lost_generation": job.generation}
        jobs().update(job.id, seen, same & first, add={"lost_messages": 1})
    except ConditionFailed:
        return
