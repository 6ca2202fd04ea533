"""Takes orders from a broker and answers them: `bootcamp grade-worker`.

Celery's processes wait for orders. Each has a grading process, as in the local pool, which runs in a
network of its own and so cannot reach the broker.
"""

from __future__ import annotations

import multiprocessing.process
import os
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType

from celery.exceptions import Reject, SecurityWarning
from celery.signals import worker_process_init, worker_process_shutdown
from pydantic import ValidationError
from redis import Redis

from autograder.classroom.execution import celery_app as names
from autograder.classroom.execution.fingerprint import of_graders, versions_around
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import Order, Report
from autograder.classroom.execution.pool import OneByOne
from autograder.classroom.execution.signing import ORDER, REPORT, Refused, Seal, read_seal
from autograder.sandbox import network
from autograder.sandbox.tiers import Tier, can_change_user, strongest
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import EXIT_USAGE, UsageError

MAX_DEATHS = 2
"""A submission that has ended so many workers is not begun again."""
GIVEN_UP = (
    f"it ended {MAX_DEATHS} workers, so it was given up: look at its files, then grade it again "
    "without --broker"
)

GIVE_BACK_SECONDS = 1.0
"""Between giving an order back and taking the next one: a broken worker must not spin."""

Grade = Callable[[Job], Answer]
Graders = Callable[[Week], str]


class OtherGraders(Exception):
    """The publisher has other graders than this worker. The text is a sentence for both."""


class OrderHandler:
    """Decides what becomes of one message from the broker.

    Args:
        name: of this worker and where it runs, for the record.
        grade: grades one submission.
        graders: says what grades a week, as a hash.
    """

    def __init__(
        self, redis: Redis, seal: Seal, name: str, grade: Grade, graders: Graders = of_graders
    ) -> None:
        self._redis, self._seal, self._name, self._grade = redis, seal, name, grade
        self._graders = graders

    def handle(self, message: object) -> None:
        """Grade what the message holds, and answer its publisher.

        Raises:
            Refused: it is forged, its publisher is gone, or it has its answer.
            OtherGraders: this worker would grade it in another way than its publisher expects, or cannot
                read it.
            RedisError: the broker does not answer.
        """
        text = self._seal.open(ORDER, message)
        try:
            order = Order.model_validate_json(text)
        except ValidationError:  # signed with our key: its publisher is of another version
            raise OtherGraders(
                "its publisher sends orders of another form. Bring both to the same version of the course"
            ) from None
        if not self._redis.exists(names.lease_key(order.run)):
            raise Refused("of a run that has ended")
        if self._redis.sismember(names.done_key(order.run), order.id):
            raise Refused("repeated")
        self._check_graders(order)
        self._answer(order, self._graded(order))

    def _check_graders(self, order: Order) -> None:
        try:
            ours = self._graders(find_week(order.handed_in.week))
        except UsageError:
            ours = "none"
        if ours != order.graders:
            sentence = (
                f"its graders of {order.handed_in.week} are {ours[:12]}, and the publisher's are "
                f"{order.graders[:12]}. Bring both to the same version of the course"
            )
            self._say(order, refusal=sentence)
            raise OtherGraders(sentence)

    def _graded(self, order: Order) -> Answer:
        """Grade it, unless it has ended too many workers. Counts this worker until it is through."""
        starts, student = names.starts_key(order.run), order.handed_in.student
        if int(self._redis.hincrby(starts, student, 1)) > MAX_DEATHS:  # type: ignore[arg-type]
            self._redis.hincrby(starts, student, -1)
            return Answer(problem=GIVEN_UP)
        self._redis.expire(starts, names.KEPT_SECONDS)
        self._say(order)
        try:
            with tempfile.TemporaryDirectory(prefix="submission-") as folder:
                return self._grade(order.handed_in.unpack(Path(folder)))
        except Exception as error:  # an order without an answer would keep its publisher waiting
            return Answer(problem=f"{type(error).__name__}: {error}")
        finally:  # also when it is given back; not when this process is killed
            self._redis.hincrby(starts, student, -1)

    def _answer(self, order: Order, answer: Answer) -> None:
        sandbox = f"{answer.sandbox}, {self._name}"
        self._say(order, replace(answer, sandbox=sandbox, versions=versions_around()))
        self._redis.sadd(names.done_key(order.run), order.id)
        self._redis.expire(names.done_key(order.run), names.KEPT_SECONDS)

    def _say(self, order: Order, answer: Answer | None = None, refusal: str = "") -> None:
        report = Report(
            run=order.run, id=order.id, worker=self._name, answer=answer, refusal=refusal
        )  # fmt: skip
        try:
            message = self._seal.sign(REPORT, report.model_dump_json())
        except Refused:
            problem = Answer(problem="its result is too large for the broker")
            message = self._seal.sign(
                REPORT, report.model_copy(update={"answer": problem}).model_dump_json()
            )
        key = names.reports_key(order.run)
        self._redis.rpush(key, message)
        self._redis.expire(key, names.KEPT_SECONDS)


def work(
    broker: str, seal: Seal, tier: Tier, processes: int, visibility: int | None, place: str = ""
) -> int:
    """Take orders until Ctrl-C. The first one finishes what has begun, the second one gives it back.

    Args:
        visibility: seconds after which what a dead worker had is given to another one.
        place: where it runs, for the records.

    Returns:
        The exit code: 2 if a publisher has other graders.

    Raises:
        UsageError: the broker cannot be used, or its publisher has another key.
    """
    names.check_key(names.connect(broker), seal.fingerprint)
    app = names.make_app(broker, seal.fingerprint, visibility or names.VISIBILITY_SECONDS)
    name = f"{socket.gethostname()}-{os.getpid()}"
    print(
        f"{name} waits for submissions, {processes} at once, in the sandbox {tier}, with the key "
        f"{seal.fingerprint}. Ctrl-C finishes what has begun.",
        flush=True,
    )
    # Celery warns of root. Here root is what gives each submission a user of its own.
    warnings.simplefilter("ignore", SecurityWarning)
    tasks = _Tasks(broker, seal, tier, ", ".join(filter(None, (place, f"on {name}"))))
    app.task(name=names.TASK)(tasks.handle)
    worker_process_init.connect(tasks.begin, weak=False)
    worker_process_shutdown.connect(tasks.end, weak=False)
    worker = app.Worker(
        pool="prefork", concurrency=processes, optimization="fair", loglevel="ERROR", quiet=True,
        hostname=f"grading-{os.getpid()}@{socket.gethostname()}",
        without_gossip=True, without_mingle=True, without_heartbeat=True,
    )  # fmt: skip
    worker.start()
    return EXIT_USAGE if tasks.mismatch.is_set() else int(worker.exitcode or 0)


class _Tasks:
    """What Celery's processes do. Made before they are forked, so that they share the two values."""

    def __init__(self, broker: str, seal: Seal, tier: Tier, name: str) -> None:
        self._broker, self._seal, self._tier, self._name = broker, seal, tier, name
        self._outside = multiprocessing.current_process()
        self._graders = cache(of_graders)
        for week in graded_weeks():  # later changes on disk are not in this program
            self._graders(week)
        self._grader = OneByOne(tier)
        forks = multiprocessing.get_context("fork")
        self._refused = forks.Value("i", 0)
        self.mismatch = forks.Event()
        """Whether a publisher has other graders."""

    def begin(self, **_: object) -> None:
        """Prepare a process."""
        signal.signal(signal.SIGTERM, _give_back)
        # Celery's pool puts its own object here, which may not have children and cannot be sent to one.
        multiprocessing.process._current_process = self._outside  # type: ignore[attr-defined]

    def end(self, **_: object) -> None:
        """End its grading process."""
        self._grader.close()

    def handle(self, message: object) -> None:
        """Grade and answer one message.

        Raises:
            Reject: another worker has to take it.
        """
        try:
            redis = names.connect(self._broker)
            with redis:
                OrderHandler(
                    redis, self._seal, self._name, self._grader.grade, self._graders
                ).handle(message)
        except Refused as error:
            with self._refused.get_lock():
                self._refused.value += 1
                _show(f"Refused a message: {error} ({self._refused.value} in all).")
        except OtherGraders as error:
            if not self.mismatch.is_set():
                _show(f"This worker stops: {error}.")
            self.mismatch.set()
            os.kill(os.getppid(), signal.SIGTERM)
            raise Reject(str(error), requeue=True) from None
        except Exception as error:  # without this, Celery would take the order for done
            _show(f"A submission is given back: {type(error).__name__}: {error}")
            time.sleep(GIVE_BACK_SECONDS)
            raise Reject(str(error), requeue=True) from None


def _give_back(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _show(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main() -> int:
    """Take orders inside a container: the service `grading-worker` of docker-compose.yml."""
    tier = strongest()
    if not (can_change_user(tier) and network.is_possible()):
        raise UsageError(f"In this container the sandbox is weak: {tier}, or the shared network.")
    return work(os.environ["GRADING_BROKER"], read_seal(None), tier, 1, None, "in a container")


if __name__ == "__main__":
    sys.exit(main())
