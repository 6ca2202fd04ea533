"""Where retries, dead letters and alerts join in a job's life. Given."""

from __future__ import annotations

from functools import partial
from typing import Any

from boto3.dynamodb.conditions import Attr
from celery import chain

from pipeline.lifecycle.decisions import AfterError, BeforeRun, Drop, GiveUp, RetryAfter, Run
from pipeline.lifecycle.due import redrive
from pipeline.lifecycle.hooks import ENTRY_STEP, JobHook, TaskCall
from pipeline.models.dead_letters import Failures, ReliableJob, Waiting
from pipeline.models.job import Job, Status, jobs
from pipeline.models.retry_settings import retry_settings
from pipeline.models.steps import STEPS
from pipeline.models.table import ConditionFailed, Item, exact, moment
from pipeline.retry_errors import PoisonJob
from pipeline.tasks.alerts import alert
from pipeline.tasks.celery_config import app
from pipeline.tasks.dead_letter import bury, dead_letter, refuse_poison
from pipeline.tasks.retry import is_transient, try_again


class Retries(JobHook):
    """Tries a step again if that may help, and leaves a dead letter if it does not."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Give a job up that has ended too many workers. Judged when the whole job is taken."""
        if call.number or job.deliveries == 1:
            return Run()
        known = ReliableJob.of(job)
        try:
            refuse_poison(known)
        except PoisonJob as error:
            step = known.step or ENTRY_STEP
            failures = known.failures.get(step, Failures(first_at=known.created_at))
            return give_up(known, call, step, failures, error)
        return Run()

    def on_error(self, job: Job, call: TaskCall, error: Exception) -> AfterError:
        """Try the step again if the error can pass and attempts are left; else give the job up."""
        known = ReliableJob.of(job)
        before = known.failures.get(call.step) or Failures(first_at=float(moment()))
        failures = Failures(count=before.count + 1, first_at=before.first_at)
        tried_enough = failures.count >= retry_settings().max_attempts
        if not call.number or tried_enough or not is_transient(error):
            return give_up(known, call, call.step, failures, error)
        waiting = Waiting(number=call.number, arguments=call.arguments)
        changes = {"failures": counted(known, call.step, failures), "waiting": waiting.model_dump()}
        decision = try_again(known, changes, failures.count, error)
        if not isinstance(decision, RetryAfter | Drop):
            raise TypeError(f"`try_again` must return RetryAfter or Drop, not {decision!r}")
        return decision


class Alerts(JobHook):
    """Alerts a person when a job has left a dead letter."""

    def ended(self, job: Job) -> None:
        alert(ReliableJob.of(job))


def give_up(
    job: ReliableJob, call: TaskCall, step: str, failures: Failures, error: Exception
) -> GiveUp:
    """End the job, and write its dead letter in the same write."""
    letter = dead_letter(job, step, call.task, call.arguments, failures, error)
    return GiveUp(error, partial(bury, job, letter))


def counted(job: ReliableJob, step: str, failures: Failures) -> dict[str, Any]:
    """All failures of the job, as the table takes them."""
    return {
        name: {"count": one.count, "first_at": exact(one.first_at)}
        for name, one in {**job.failures, step: failures}.items()
    }


def resume_or_redrive(item: Item) -> None:
    """Handle an overdue job: a retry delay has ended, a message was lost, or a worker died."""
    job = ReliableJob.of(Job.from_item(item))
    if job.status == Status.PROCESSING and job.lease_owner is None:
        if job.waiting and job.waiting.number == job.steps_done + 1:
            resume(job, job.waiting)
            return
        count_lost_message(job)
    redrive(item)


def resume(job: ReliableJob, waiting: Waiting) -> None:
    """Send the message of a step that waited, and of those behind it. The last has the job's id, as
    in week 3. Raises what Celery raises when the broker does not take it.
    """
    first, *others = STEPS[waiting.number - 1 :]
    signatures = [app.signature(first.task, args=waiting.arguments)]
    signatures += [app.signature(step.task) for step in others]
    chain(*signatures).apply_async(task_id=job.id)


def count_lost_message(job: Job) -> None:
    """Count a delivery that is needed because a message was lost: it says nothing about the document.

    Each message is counted once. While the broker is away, the same job is due again and again.
    """
    same = Attr("generation").eq(job.generation)
    first = Attr("lost_generation").not_exists() | Attr("lost_generation").ne(job.generation)
    try:
        seen = {"lost_generation": job.generation}
        jobs().update(job.id, seen, same & first, add={"lost_messages": 1})
    except ConditionFailed:
        return
