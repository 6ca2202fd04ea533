"""The hooks of week 5: they call the code of retries, dead letters and alerts. Given to students complete."""

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
from pipeline.tasks.dead_letter import dead_letter, dead_letter_job, refuse_poison
from pipeline.tasks.retry import is_transient, try_again


class Retries(JobHook):
    """Retries a step after a transient error, and dead-letters the job after any other."""

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Give up a poison job. This is decided when a worker takes the whole job, not at each step."""
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
        """Retry the step if the error is transient and attempts are left. Otherwise give the job up."""
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
    """Alerts an operator when a job has left a dead letter."""

    def ended(self, job: Job) -> None:
        """Alert, if the job has a dead letter."""
        alert(ReliableJob.of(job))


def give_up(
    job: ReliableJob, call: TaskCall, step: str, failures: Failures, error: Exception
) -> GiveUp:
    """Return the decision to fail the job, with its dead letter in the same write."""
    letter = dead_letter(job, step, call.task, call.arguments, failures, error)
    return GiveUp(error, partial(dead_letter_job, job, letter))


def counted(job: ReliableJob, step: str, failures: Failures) -> dict[str, Any]:
    """Return all failures of the job, with those of this step replaced, in the form for the table."""
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
    """Send the message of a waiting step, with the steps that follow it.

    The last message has the job's id, as in week 3. If the broker does not accept the message, Celery's
    error leaves this function.
    """
    first, *others = STEPS[waiting.number - 1 :]
    signatures = [app.signature(first.task, args=waiting.arguments)]
    signatures += [app.signature(step.task) for step in others]
    chain(*signatures).apply_async(task_id=job.id)


def count_lost_message(job: Job) -> None:
    """Count a delivery that is needed because a message was lost. The document is not its cause.

    Each message is counted once, although the same job is due again and again while the broker is down.
    """
    same = Attr("generation").eq(job.generation)
    first = Attr("lost_generation").not_exists() | Attr("lost_generation").ne(job.generation)
    try:
        seen = {"lost_generation": job.generation}
        jobs().update(job.id, seen, same & first, add={"lost_messages": 1})
    except ConditionFailed:
        return
