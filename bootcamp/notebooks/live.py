"""What a live notebook needs on stage: `live = start(week=1)`, and everything is there.

The stack that is up is joined, or one is started; the notebook gets a run of its own in it, with a
worker on the reference layers. It all ends with the kernel, however the kernel ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from urllib.parse import urlsplit

import httpx
import psutil
import redis

from bootcamp import paths
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import StackError
from bootcamp.providers import FeedServer, MailSink, OpenAIControl, WebhookSink
from bootcamp.stack import Run, apps, find_or_start
from bootcamp.stack.apps import Apps
from bootcamp.stack.process import Process
from bootcamp.stack.stack import in_parallel

SLOTS = 2
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.02
MISSING = "The stage is empty: it was stopped, or a part of it has died."
NEXT_STEP = "Run the notebook's first cell again, and go on from there."


class Live:
    """Everything a live notebook touches.

    Attributes:
        week: whose layers run.
        run: this notebook's own Redis, database, keys and folders.
        worker: the worker node's process; `logs()` is its log.
    """

    def __init__(self, week: Week) -> None:
        self.week = week
        self.slots = SLOTS
        self.run: Run
        self._apps: Apps
        self._worker_argv: list[str]
        self._closing = ExitStack()

    def open(self) -> None:
        """Start everything. Raises StackError, and leaves nothing behind then."""
        with ExitStack() as undo:
            stack = undo.enter_context(find_or_start())
            self.run = undo.enter_context(stack.isolated())
            env = self.run.environment() | {"WORKER_CONCURRENCY": str(self.slots)}
            layers = reference_layers(self.week)
            self._apps = undo.enter_context(Apps(env, layers))
            self._worker_argv = list(self.worker.argv)
            undo.enter_context(_kernel([str(layer.path) for layer in layers], env))
            undo.callback(self._hang_up)
            self._closing = undo.pop_all()

    def stop(self) -> None:
        """End everything that `start` started. Does nothing twice."""
        self._closing.close()

    @property
    def alive(self) -> bool:
        """Whether the run and the API are there. The worker may be stopped: that is a scene."""
        try:
            return self.run.redis.process.alive and (self._apps.api is None or self._apps.api.alive)
        except AttributeError:
            return False

    @property
    def openai(self) -> OpenAIControl:
        """Scripts the model's stand-in and reads what it was sent."""
        self._require()
        return self.run.openai

    @property
    def webhooks(self) -> WebhookSink:
        """Scripts the webhook sink and reads what arrived there."""
        self._require()
        return self.run.webhooks

    @property
    def feeds(self) -> FeedServer:
        """Publishes feeds, scripts the feed server, and reads who asked it."""
        self._require()
        return self.run.feeds

    @property
    def mail(self) -> MailSink:
        """Scripts the mail sink and reads what arrived there."""
        self._require()
        return self.run.mail

    @property
    def worker(self) -> Process:
        return self._apps.workers[0]

    @cached_property
    def api(self) -> httpx.Client:
        """A client of the API, from week 2 on. It sends the stack's API key, from week 8 on.

        Raises:
            StackError: this week has no API.
        """
        if self._apps.api_url is None:
            raise StackError(f"{self.week} has no API.", "The API comes with week 2.")
        return httpx.Client(
            base_url=self._apps.api_url,
            headers=self._apps.headers,
            timeout=WAIT_SECONDS,
            trust_env=False,
        )

    def redis(self, database: int = 0) -> redis.Redis:
        """A client of one database: 0 queues, 1 results, 2 cache. Answers are text."""
        self._require()
        return redis.Redis.from_url(f"{self.run.redis_url}/{database}", decode_responses=True)

    def start_worker(self, slots: int = SLOTS, *settings: str) -> None:
        """Let a worker with this many slots take work; one that is set up otherwise is stopped first.

        Args:
            slots: how many tasks it runs at the same time.
            settings: Celery settings for this worker alone, such as `"task_acks_late=off"`.
        """
        self._require()
        argv = [*self._worker_argv, "--", *settings] if settings else self._worker_argv
        if self.worker.alive and self.slots == slots and self.worker.argv == argv:
            return
        self.stop_worker()
        self.worker.env["WORKER_CONCURRENCY"] = str(slots)
        self.worker.argv = argv
        apps.start_worker(self.worker)
        self.slots = slots

    def stop_worker(self) -> None:
        """Stop the worker; it finishes its tasks first. Queues and results stay."""
        self._require()
        self.worker.stop()

    def start_workers(self, count: int, **settings: str) -> None:
        """Run this many worker nodes.

        Args:
            count: how many. The first takes all queues; see `bootcamp.stack.queues`.
            settings: further variables, such as `PROVIDER_BURST="5"`. All workers start again with them.
        """
        self._require()
        self._apps.scale(count)
        if settings:
            in_parallel([partial(self._restart, worker, settings) for worker in self._apps.workers])

    @staticmethod
    def _restart(worker: Process, settings: Mapping[str, str]) -> None:
        worker.stop()
        worker.env.update(settings)
        apps.start_worker(worker)

    def kill_worker(self) -> None:
        """Kill the worker with its pool, as a lost machine does. It is not started again."""
        self._require()
        self.worker.kill(group=True)
        self.worker.wait()

    def stop_beat(self) -> None:
        """Stop Beat, from week 8 on: nothing is sent on schedule any more."""
        self._require()
        if self._apps.beat:
            self._apps.beat.stop()

    def start_beat(self) -> None:
        """Start Beat, if this week has one and it does not run."""
        self._require()
        if self._apps.beat and not self._apps.beat.alive:
            apps.start_beat(self._apps.beat)

    def pool(self) -> list[psutil.Process]:
        """The processes that run the tasks: one per slot, oldest first."""
        children = psutil.Process(self.worker.pid).children() if self.worker.alive else []
        return sorted(children, key=lambda child: child.create_time())

    def log(self, lines: int = 10, containing: str = "") -> None:
        """Print the end of the worker's log, or of its lines with this text."""
        found = [line for line in self.worker.logs().splitlines() if containing in line]
        print("\n".join(found[-lines:]) or "(nothing yet)")  # a notebook's output

    def until(
        self, condition: Callable[[], object], what: str = "", seconds: float = WAIT_SECONDS
    ) -> None:
        """Wait until the condition holds.

        Raises:
            StackError: it did not in time.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            self._require()
            if time.monotonic() > deadline:
                raise StackError(
                    f"Waited {seconds:.0f} s in vain{f' for {what}' if what else ''}.",
                    "`live.log()` shows what the worker did. " + NEXT_STEP,
                )
            time.sleep(POLL_SECONDS)

    def _require(self) -> None:
        if not self.alive:
            raise StackError(MISSING, NEXT_STEP)

    def _hang_up(self) -> None:
        self.run.openai.close()
        self.run.webhooks.close()
        self.run.feeds.close()
        self.run.mail.close()
        if "api" in self.__dict__:
            self.api.close()

    def __repr__(self) -> str:
        """One friendly table."""
        if not self.alive:
            return f"{MISSING}\n{NEXT_STEP}"
        env = self.run.environment()
        worker = f"{self.slots} slots" if self.worker.alive else "stopped"
        rows: Mapping[str, str | None] = {
            "week": self.week.name,
            "worker": worker,
            "API": self._apps.api_url,
            "Redis": _without_password(env["REDIS_URL"]),
            "PostgreSQL": _without_password(env["DATABASE_URL"]),
            "DynamoDB, S3": env["AWS_ENDPOINT_URL"],
            "model": f"{env['OPENAI_BASE_URL']} (stand-in, free)",
            "ends": "with this kernel, or by live.stop()",
        }
        return "\n".join(f"{name:<14}{value}" for name, value in rows.items() if value)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"


@contextmanager
def _kernel(folders: list[str], env: Mapping[str, str]) -> Iterator[None]:
    """The layers on this process's path and the variables in its environment, while it lasts."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    sys.path[:0] = folders
    _forget_pipeline()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        for folder in folders:
            sys.path.remove(folder)
        _forget_pipeline()


def _forget_pipeline() -> None:
    """Modules of an earlier run hold its addresses: the next import must read the new ones."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "pipeline"]:
        del sys.modules[name]


_stage: list[Live] = []


def start(week: int = 1) -> Live:
    """Set the stage for a week, or take the one that stands. Prints what there is.

    Raises:
        UsageError: there is no such week.
        StackError: a service did not start; it says which, and why.
    """
    wanted = find_week(str(week))
    _calm_matplotlib()
    if _stage and not (_stage[0].week == wanted and _stage[0].alive):
        stop()
    if not _stage:
        live = Live(wanted)
        live.open()
        _stage.append(live)
    live = _stage[0]
    live.start_worker(SLOTS)
    live.openai.clear()
    print(live)
    return live


@atexit.register
def stop() -> None:
    """End the stage, if there is one. Runs at the end of the kernel too.

    A kernel that is killed cannot run this: then the guards of its processes do.
    """
    while _stage:
        _stage.pop().stop()


def _calm_matplotlib() -> None:
    """No words about fonts and caches on stage, and a cache that can always be written."""
    os.environ.setdefault("MPLCONFIGDIR", str(paths.state_dir() / "matplotlib"))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
