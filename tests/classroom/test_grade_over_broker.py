"""`bootcamp grade --broker`: what is signed, what is refused, and what becomes of lost workers.

The broker is a real Redis and grading is faked. `test_grade_with_workers.py` starts real workers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis

from autograder.classroom.execution import celery_app as names
from autograder.classroom.execution import publisher as publishing
from autograder.classroom.execution.fingerprint import of_graders
from autograder.classroom.execution.grading import Task, grade_all
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import HandedIn, Order, Report
from autograder.classroom.execution.pool import MAX_JOB_SECONDS
from autograder.classroom.execution.publisher import Publisher
from autograder.classroom.execution.records import ItemRecord, Key, Record, Results
from autograder.classroom.execution.signing import (
    ORDER,
    REPORT,
    Refused,
    Seal,
)
from autograder.classroom.execution.worker import MAX_DEATHS, Grade, OrderHandler, OtherGraders
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError, UsageError
from bootcamp.stack.redis import RedisServer

SEAL, OTHER = Seal(b"k" * 32), Seal(b"o" * 32)
ITEM = ItemRecord(id="1.1", title="", outcome=Outcome.PASSED, score=2, max_score=2, seconds=0.1)
SECONDS = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), keep=False).start()
    yield server
    server.close()


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    client = names.connect(server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def app(server: RedisServer) -> Celery:
    return names.make_app(server.url, SEAL.fingerprint)


def passes(job: Job) -> Answer:
    assert (job.folder / "a.py").read_text() == f"# {job.student}"
    return Answer((ITEM,), "bubblewrap", 1.0)


class Worker(threading.Thread):
    """Takes orders as a Celery worker does, with a grading function of the test's."""

    def __init__(self, app: Celery, redis: Redis, grade: Grade = passes) -> None:
        super().__init__(daemon=True)
        self.handler = OrderHandler(redis, SEAL, "on kitchen", grade)
        self.taken: list[str] = []
        self.refused: list[str] = []
        self._app, self._ended = app, threading.Event()

    def run(self) -> None:
        with self._app.connection_for_read() as line:
            queue = line.SimpleQueue(names.queue_name(SEAL.fingerprint))
            while not self._ended.is_set():
                try:
                    found = queue.get(timeout=0.05)
                except queue.Empty:
                    continue
                self.taken.append(found.payload[0][0])
                found.ack()
                try:
                    self.handler.handle(self.taken[-1])
                except (Refused, OtherGraders) as error:
                    self.refused.append(str(error))

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(SECONDS)


@pytest.fixture
def job(tmp_path: Path, week: Week) -> Callable[[str], Job]:
    def make(student: str) -> Job:
        folder = tmp_path / "taken" / student
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.py").write_text(f"# {student}")
        return Job(student, week.name, folder, ("1.1",), 4711, alone=False)

    return make


@pytest.fixture
def publisher(app: Celery, redis: Redis) -> Publisher:
    return Publisher(app, redis, SEAL, False, lambda sentence: None)


@pytest.fixture
def order(job: Callable[[str], Job], redis: Redis) -> Order:
    """An order whose publisher waits."""
    handed_in = HandedIn.of(job("anna"))
    graders = of_graders(find_week(handed_in.week))
    redis.set(names.lease_key("now"), SEAL.fingerprint)
    return Order(run="now", id="1", graders=graders, handed_in=handed_in)


def signed(order: Order, seal: Seal = SEAL) -> str:
    return seal.sign(ORDER, order.model_dump_json()).decode()


def reports(redis: Redis, run: str = "now") -> list[Report]:
    found = redis.lrange(names.reports_key(run), 0, -1)
    return [Report.model_validate_json(SEAL.open(REPORT, one)) for one in found]


# -- publisher and workers together ----------------------------------------------------------


def test_answers_come_back_with_the_workers_sandbox(
    publisher: Publisher, app: Celery, redis: Redis, job: Callable[[str], Job]
) -> None:
    jobs = [job(name) for name in ("anna", "ben", "cleo")]
    with Worker(app, redis) as worker:
        answers = {job.student: answer for job, answer in publisher(jobs, publishing.AT_ONCE)}
    assert set(answers) == {"anna", "ben", "cleo"}
    assert {one.sandbox for one in answers.values()} == {"bubblewrap, on kitchen"}
    assert all(one.items == (ITEM,) and one.versions["python"] for one in answers.values())
    assert len(worker.taken) == 3
    assert not redis.keys("*:lease")
    assert not redis.keys("*:words")


def test_a_publisher_that_stops_is_continued_and_its_orders_are_not_graded(
    app: Celery, redis: Redis, week: Week, job: Callable[[str], Job], tmp_path: Path
) -> None:
    results = Results(tmp_path / "results")
    tasks = [
        Task(name, job(name).folder, Key(submission=name, seed=1), "graders", ("1.1",))
        for name in ("anna", "ben", "cleo")
    ]

    def grade(tasks: list[Task]) -> Generator[Record, None, None]:
        publisher = Publisher(app, redis, SEAL, False, print)
        steps = grade_all(tasks, week, results, publisher, publishing.AT_ONCE, 1)
        with closing(steps):
            for step in steps:
                yield step.record

    one = threading.Semaphore(1)

    def grade_one(job: Job) -> Answer:
        one.acquire()
        return passes(job)

    with Worker(app, redis, grade_one) as worker:
        first = grade(tasks)
        done = next(first)
        first.close()  # Ctrl-C
        assert results.load(done.student) == done
        one.release(3)
    with Worker(app, redis) as worker:
        left = [task for task in tasks if results.load(task.student) is None]
        assert len(left) == 2
        assert {record.student for record in grade(left)} == {task.student for task in left}
    assert set(worker.refused) <= {"of a run that has ended"}
    assert results.load(done.student) == done
    assert len(list(results.folder.glob("*.json"))) == 3


def test_regrades_and_second_tries_wait_for_first_ones(
    app: Celery, redis: Redis, job: Callable[[str], Job]
) -> None:
    late = Publisher(app, redis, SEAL, True, print)
    early = Publisher(app, redis, SEAL, False, print)
    for one in (late, early):
        redis.set(names.lease_key(one._run), SEAL.fingerprint)
    late._publish(job("again"), {})
    early._publish(job("first"), {})
    redis.set(names.lease_key(late._run), "")
    redis.set(names.lease_key(early._run), "")
    seen: list[str] = []

    def note(job: Job) -> Answer:
        seen.append(job.student)
        return Answer((ITEM,))

    with Worker(app, redis, note):
        threading.Event().wait(1.0)
    assert seen == ["first", "again"]
    for _ in early([], 1):
        pass
    assert early._priority == names.LAST


def test_messages_that_are_forged_repeated_or_of_another_run_are_refused_and_counted(
    app: Celery, redis: Redis, job: Callable[[str], Job]
) -> None:
    said: list[str] = []
    publisher = Publisher(app, redis, SEAL, False, said.append)
    failed = ITEM.model_copy(update={"score": 0.0, "outcome": Outcome.FAILED})

    def attack(job: Job) -> Answer:
        """While mallory is graded, others write into the list of answers."""
        if job.student == "mallory":
            anna, mallory = [
                Report(run=one.run, id=one.id, worker="m", answer=Answer((ITEM,), "none"))
                for one in (
                    Order.model_validate_json(SEAL.open(ORDER, one)) for one in worker.taken
                )
            ]
            elsewhere = mallory.model_copy(update={"run": "before"})
            for message in (
                b"not signed",
                OTHER.sign(REPORT, mallory.model_dump_json()),
                SEAL.sign(ORDER, mallory.model_dump_json()),
                SEAL.sign(REPORT, elsewhere.model_dump_json()),
                SEAL.sign(REPORT, anna.model_dump_json()),
                SEAL.sign(REPORT, "{}"),
            ):
                redis.rpush(names.reports_key(mallory.run), message)
        return Answer((failed,), "bubblewrap")

    with Worker(app, redis, attack) as worker:
        found = list(publisher([job("anna"), job("mallory")], publishing.AT_ONCE))
    assert [answer.items[0].score for _, answer in found] == [0.0, 0.0]
    counts = {
        "forged": 3,
        "of another run": 1,
        "repeated": 1,
        "unreadable": 1,
    }
    for reason, count in counts.items():
        assert f"Refused messages from the broker ({reason}): {count}" in said


def test_an_answer_that_cannot_be_is_a_grader_error_and_nobody_waits_for_another(
    app: Celery, redis: Redis, publisher: Publisher, job: Callable[[str], Job]
) -> None:
    rich = ITEM.model_copy(update={"score": 1000.0})
    with Worker(app, redis, lambda _: Answer((rich,))):
        [(_, answer)] = list(publisher([job("anna")], publishing.AT_ONCE))
    assert not answer.items
    assert "points that cannot be" in answer.problem


def test_a_lease_that_ended_stops_the_publisher(
    app: Celery, redis: Redis, job: Callable[[str], Job]
) -> None:
    def ends(job: Job) -> Answer:
        redis.delete(*redis.keys("*:lease"))
        return passes(job)

    publisher = Publisher(app, redis, SEAL, False, print)
    with (
        Worker(app, redis, ends) as worker,
        pytest.raises(BootcampError, match="was away") as error,
    ):
        list(publisher([job("anna"), job("ben")], publishing.AT_ONCE))
    assert "same command" in error.value.next_step
    assert len(worker.taken) >= 1


def test_without_workers_the_publisher_says_what_to_check_and_ends(
    app: Celery, redis: Redis, job: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(publishing, "SILENT_SECONDS", 3.0)
    said: list[str] = []
    with pytest.raises(BootcampError, match="No worker has said anything"):
        list(Publisher(app, redis, SEAL, False, said.append)([job("anna")], 2))
    (sentence,) = said
    assert "bootcamp grade-worker" in sentence
    assert SEAL.fingerprint in sentence


# -- the worker ------------------------------------------------------------------------------


def test_a_worker_refuses_what_nobody_waits_for(redis: Redis, order: Order) -> None:
    worker = OrderHandler(redis, SEAL, "on kitchen", passes)
    gone = order.model_copy(update={"run": "before"})
    cases: dict[str, list[object]] = {
        "forged": [signed(order, OTHER), "x", None, SEAL.sign(REPORT, order.model_dump_json())],
        "of a run that has ended": [signed(gone)],
    }
    for reason, messages in cases.items():
        for message in messages:
            with pytest.raises(Refused, match=reason):
                worker.handle(message)
    assert not reports(redis)
    worker.handle(signed(order))
    with pytest.raises(Refused, match="repeated"):
        worker.handle(signed(order))
    begun, answered = reports(redis)
    assert begun.answer is None
    assert answered.answer.items == (ITEM,)


@pytest.mark.parametrize("text", ["{}", "["])
def test_an_order_of_another_version_stops_the_worker(redis: Redis, text: str) -> None:
    """It is signed with our key, so it is not forged: another worker may read it."""
    with pytest.raises(OtherGraders, match="the same version of the course"):
        OrderHandler(redis, SEAL, "on kitchen", passes).handle(SEAL.sign(ORDER, text))


def test_a_worker_knows_the_graders_that_it_started_with(redis: Redis, order: Order) -> None:
    worker = OrderHandler(redis, SEAL, "on kitchen", passes, lambda week: "of this morning")
    with pytest.raises(OtherGraders):
        worker.handle(signed(order))


def test_a_worker_with_other_graders_says_so_and_grades_nothing(redis: Redis, order: Order) -> None:
    worker = OrderHandler(redis, SEAL, "on kitchen", passes)
    others: list[Order] = [
        order.model_copy(update={"graders": "0" * 64}),
        order.model_copy(
            update={"handed_in": order.handed_in.model_copy(update={"week": "week99"})}
        ),
    ]
    for other in others:
        with pytest.raises(OtherGraders, match="Bring both to the same version"):
            worker.handle(signed(other))
    assert all("the publisher's are" in one.refusal for one in reports(redis))
    worker.handle(signed(order))  # another worker can


def test_a_submission_that_ended_two_workers_is_given_up(redis: Redis, order: Order) -> None:
    class Killed(BaseException):
        """What no `finally` notices is played by counting again."""

    def dies(job: Job) -> Answer:
        redis.hincrby(names.starts_key("now"), "anna", 1)
        raise Killed

    worker = OrderHandler(redis, SEAL, "on kitchen", dies)
    for _ in range(MAX_DEATHS):
        with pytest.raises(Killed):
            worker.handle(signed(order))
    worker.handle(signed(order))
    problem = reports(redis)[-1].answer.problem
    assert "ended 2 workers" in problem
    again = order.model_copy(update={"id": "2"})  # the publisher's second try
    worker.handle(signed(again))
    assert reports(redis)[-1].answer.problem == problem


def test_what_a_worker_gives_back_does_not_count(redis: Redis, order: Order) -> None:
    def stopped(job: Job) -> Answer:
        raise SystemExit(0)

    worker = OrderHandler(redis, SEAL, "on kitchen", stopped)
    for _ in range(MAX_DEATHS + 1):
        with pytest.raises(SystemExit):
            worker.handle(signed(order))
    OrderHandler(redis, SEAL, "on kitchen", passes).handle(signed(order))
    assert reports(redis)[-1].answer.items == (ITEM,)


def test_a_grader_that_breaks_is_answered(redis: Redis, order: Order) -> None:
    def breaks(job: Job) -> Answer:
        raise ValueError("no stack")

    OrderHandler(redis, SEAL, "on kitchen", breaks).handle(signed(order))
    assert reports(redis)[-1].answer.problem == "ValueError: no stack"


# -- settings and errors ---------------------------------------------------------------------


def test_the_settings_lose_nothing_and_read_json_alone(app: Celery) -> None:
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert not conf.worker_enable_remote_control
    assert conf.broker_transport_options["visibility_timeout"] > MAX_JOB_SECONDS


def test_a_broker_that_cannot_be_used_is_told_without_its_password(server: RedisServer) -> None:
    wrong = server.url.replace(server.password, "hidden-word")
    for url in (wrong, "redis://:hidden-word@127.0.0.1:1", "amqp://me:hidden-word@host"):
        with pytest.raises(UsageError) as error:
            names.connect(url)
        assert error.value.next_step
        assert "hidden-word" not in str(error.value)


def test_a_worker_with_another_key_than_the_publisher_that_waits_is_told(redis: Redis) -> None:
    names.check_key(redis, SEAL.fingerprint)
    redis.set(names.lease_key("now"), OTHER.fingerprint)
    with pytest.raises(UsageError, match=OTHER.fingerprint) as error:
        names.check_key(redis, SEAL.fingerprint)
    assert "--key-file" in error.value.next_step
    redis.set(names.lease_key("then"), SEAL.fingerprint)
    names.check_key(redis, SEAL.fingerprint)
