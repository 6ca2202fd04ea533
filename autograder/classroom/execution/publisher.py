"""Grades jobs over a broker: publishes a signed order for each, and takes the signed answers.

A `Publisher` is called like `pool.run_jobs`, so planning, records and pages are those of the local pool.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from functools import cache
from typing import cast

from celery import Celery
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from redis import Redis, RedisError

from autograder.classroom.execution import celery_app as names
from autograder.classroom.execution.docker import is_credible
from autograder.classroom.execution.fingerprint import of_graders
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import HandedIn, Order, Report
from autograder.classroom.execution.signing import ORDER, REPORT, Refused, Seal
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError

LEASE_SECONDS = 60
"""Workers stop grading for a publisher that has been silent for so long."""
TICK_SECONDS = 1
QUIET_SECONDS = 20.0
"""If no worker has begun anything after this, the publisher says what to check."""
SILENT_SECONDS = 2 * names.VISIBILITY_SECONDS
"""After so long without a report, the publisher stops waiting: a message may be lost."""
AT_ONCE = 10_000
"""Publish all orders at once: how many are graded side by side is the workers' business."""

Say = Callable[[str], object]


class Publisher:
    """One run of `bootcamp grade --broker`.

    Args:
        regrade: these submissions have results already, so those of other publishers go first.
        say: shows the instructor a sentence.
    """

    def __init__(self, app: Celery, redis: Redis, seal: Seal, regrade: bool, say: Say) -> None:
        self._app, self._redis, self._seal, self._say = app, redis, seal, say
        self._run = secrets.token_hex(16)
        self._priority = names.LAST if regrade else names.FIRST
        self._heard_at = time.monotonic()
        self._asked = False
        self._graders = cache(lambda week: of_graders(find_week(week)))
        self.refused: Counter[str] = Counter()
        """Messages that were not used, by reason."""

    def __call__(
        self, jobs: Iterable[Job], processes: int
    ) -> Generator[tuple[Job, Answer], None, None]:
        """Grade all jobs; with one process, publish one at a time.

        Raises:
            BootcampError: the broker does not answer any more, or this machine slept for too long.
        """
        waiting, pending = list(jobs), dict[str, Job]()
        at_once = 1 if processes == 1 else AT_ONCE
        try:
            self._redis.set(names.lease_key(self._run), self._seal.fingerprint, ex=LEASE_SECONDS)
            self._heard_at = time.monotonic()
            while waiting or pending:
                while waiting and len(pending) < at_once:
                    job = waiting.pop(0)
                    if problem := self._publish(job, pending):
                        yield job, Answer(problem=problem)
                if pending and (said := self._next(pending)):
                    yield said
                self._ask_for_workers()
        except (RedisError, OperationalError) as error:
            raise names.lost(error) from None
        finally:
            self._priority = names.LAST  # the next call is another try
            self._leave()

    def _publish(self, job: Job, pending: dict[str, Job]) -> str:
        """Send an order; returns what is wrong with it."""
        self._keep_lease()  # a thousand orders take longer than a lease lasts
        order_id = secrets.token_hex(16)
        graders = self._graders(job.week)
        order = Order(run=self._run, id=order_id, graders=graders, handed_in=HandedIn.of(job))
        try:
            text = self._seal.sign(ORDER, order.model_dump_json()).decode()
        except Refused:
            return "its files are too large for the broker: grade it without --broker"
        pending[order_id] = job
        self._app.send_task(names.TASK, [text], priority=self._priority, task_id=order_id)
        return ""

    def _next(self, pending: dict[str, Job]) -> tuple[Job, Answer] | None:
        """Wait a moment for a report, and keep the lease."""
        self._keep_lease()
        found = cast(
            "tuple[bytes, bytes] | None",
            self._redis.blpop([names.reports_key(self._run)], timeout=TICK_SECONDS),
        )
        try:
            return self._read(found[1], pending) if found else None
        except Refused as error:
            self.refused[str(error)] += 1
            return None

    def _keep_lease(self) -> None:
        lease = names.lease_key(self._run)
        if not self._redis.set(lease, self._seal.fingerprint, ex=LEASE_SECONDS, xx=True):
            raise BootcampError(
                f"This machine or its broker was away for more than {LEASE_SECONDS} seconds.",
                "Finished results are kept: run the same command to continue.",
            )

    def _read(self, message: bytes, pending: dict[str, Job]) -> tuple[Job, Answer] | None:
        """The answer in a message, if it has one.

        Raises:
            Refused: it is forged, of another run, or about an order that has its answer.
        """
        try:
            report = Report.model_validate_json(self._seal.open(REPORT, message))
        except ValidationError:
            raise Refused("unreadable") from None
        if report.run != self._run:
            raise Refused("of another run")
        if report.id not in pending:
            raise Refused("repeated")
        self._heard_at, self._asked = time.monotonic(), not report.refusal
        if report.refusal:
            self._say(f"{report.worker} was refused: {report.refusal}")
        if report.answer is None:
            return None
        job = pending.pop(report.id)
        if not is_credible(job, report.answer):  # it is signed, so no other answer will come
            return job, Answer(problem="the worker's answer has items or points that cannot be")
        return job, report.answer

    def _ask_for_workers(self) -> None:
        quiet = time.monotonic() - self._heard_at
        if quiet > SILENT_SECONDS:
            raise BootcampError(
                f"No worker has said anything for {quiet:.0f} seconds.",
                "Finished results are kept. Look at the workers, then run the same command to continue.",
            )
        if quiet > QUIET_SECONDS and not self._asked:
            self._asked = True
            self._say(
                "No worker has begun yet. Start one: `bootcamp grade-worker --broker …`, with the key "
                f"whose fingerprint is {self._seal.fingerprint}."
            )

    def _leave(self) -> None:
        for reason, count in self.refused.items():
            self._say(f"Refused messages from the broker ({reason}): {count}")
        self.refused.clear()
        try:
            self._redis.delete(names.lease_key(self._run), names.reports_key(self._run))
        except RedisError:
            return  # the lease ends by itself
