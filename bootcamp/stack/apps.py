"""The pipeline's own processes: the API, workers, and Beat once there is a schedule.

Celery: https://docs.celeryq.dev/en/stable/reference/cli.html#celery-worker
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bootcamp.course.layers import Layer, pythonpath
from bootcamp.course.weeks import find_week
from bootcamp.environment import built
from bootcamp.errors import StackError
from bootcamp.ports import (
    KEEP_ALIVE_SECONDS,
    LOOPBACK,
    answers_health,
    free_port,
    release_port,
)
from bootcamp.stack.keys import key_variables, make_key
from bootcamp.stack.operating import metrics_variables, worker_variables
from bootcamp.stack.process import Process
from bootcamp.stack.queues import queues_of
from bootcamp.stack.stack import in_parallel
from bootcamp.stack.state import StateFolder
from bootcamp.stack.supervisor import Supervisor

API_MODULE = Path("pipeline/api/app.py")
MIGRATE_MODULE = Path("pipeline/migrate.py")
ROUTING_MODULE = Path("pipeline/tasks/routing.py")
"""Defines the queues, from week 8 on. Before that there is one queue."""
SCHEDULE_MODULE = Path("pipeline/tasks/schedule.py")
PAGE_MODULE = Path("pipeline/api/dashboard.py")
"""Serves the status page, from week 7 on."""
NEWS_MODULE = Path("pipeline/api/news_page.py")
"""Serves the page of the news, from week 9 on."""
CELERY_APP = "pipeline.tasks.celery_config"
SCHEDULE_APP = "pipeline.tasks.schedule"
"""The same app. Beat chooses its scheduler before it imports the tasks, so it begins with this module."""
UNWRITTEN = re.compile(r"NotImplementedError: (\d\.\d+)\s*$", re.MULTILINE)
"""What a scaffold's process ends with."""
READY_SECONDS = 60.0
MIGRATE_SECONDS = 120.0
COMMAND_SECONDS = 60.0
"""How long a command of the pipeline may take (`Apps.run`)."""
STOP_SECONDS = 15.0
"""A worker finishes its task first; then it is killed, and the task is delivered again."""


def has(layers: Sequence[Layer], module: Path) -> bool:
    """Whether one of the layers brings this file."""
    return any((layer.path / module).is_file() for layer in layers)


def layer_environment(env: Mapping[str, str], layers: Sequence[Layer]) -> dict[str, str]:
    """Build the environment of a pipeline's process, with the layers on its path.

    Of the shell it has what `bootcamp.environment` passes on, and nothing else.

    Args:
        env: the stack's variables, and settings.
        layers: whose code runs; newest first.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return (
        built()
        | dict(env)
        | {"PYTHONPATH": pythonpath(layers), "PYTHONUNBUFFERED": "1", "PATH": programs}
    )


def prepare_stores(env: Mapping[str, str], layers: Sequence[Layer], log: Path) -> None:
    """Run `python -m pipeline.migrate`. Before week 3 there is no store, and nothing is done.

    Args:
        env: the whole environment of the layers' processes.
        layers: whose migrations are applied.
        log: file that gets what it prints.

    Raises:
        StackError: the stores cannot be prepared; names the item where one is unwritten.
    """
    if not has(layers, MIGRATE_MODULE):
        return
    command = [sys.executable, "-m", "pipeline.migrate"]
    with Process(command, env=env, log=log, name="migrate") as process:
        try:
            code = process.wait(MIGRATE_SECONDS)
        except subprocess.TimeoutExpired:
            raise StackError(
                f"The stores were not prepared within {MIGRATE_SECONDS:g} s."
            ) from None
        said = process.logs(latest=True)
    if code:
        raise _unwritten("The stores cannot be prepared", said) or StackError(
            f"The stores cannot be prepared. `python -m pipeline.migrate` says:\n{said}"
        )


class Apps:
    """API, workers and Beat on the given layers, for one `with` block. Prepares their stores first.

    A process that ends by itself is started again, at a bounded rate (`Supervisor`).

    Args:
        env: the variables of a stack or a run.
        layers: whose code runs; newest first.
        workers: how many worker nodes.
        state: folder for logs; None for a temporary one.
        api_port: a free one if left out.
        stop_seconds: how long a process may take to stop before it is killed.

    Attributes:
        api: the API's process; None before week 2.
        workers: the workers' processes.
        beat: Celery Beat; None before there is a schedule.
        api_key: the key for requests to the API; None before week 8, which asks for one.
        say: gets a sentence when a process ended by itself. Replace it to show them.

    Raises (on entering):
        StackError: one of them ended or was not ready in time; shows the end of its log.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        layers: Sequence[Layer],
        *,
        workers: int = 1,
        state: Path | None = None,
        api_port: int | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._env = layer_environment(key_variables(layers) | dict(env), layers)
        self._layers = tuple(layers)
        self._count = workers
        self._state = state.resolve() if state else None
        self._api_port = api_port
        self._stop_seconds = stop_seconds
        self.api: Process | None = None
        self.workers: list[Process] = []
        self.beat: Process | None = None
        self.api_key: str | None = None
        self.say: Callable[[str], None] = lambda _: None
        self._supervisor: Supervisor | None = None
        self._hold: tuple[int, ...] = ()
        self._closing = ExitStack()
        self._folder = Path()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            folder = self._folder = self._state or self._temporary(undo)
            self._env |= metrics_variables(self._layers, folder)
            starts = self._prepare(folder, undo)
            undo.callback(lambda: in_parallel([process.stop for process in self.processes]))
            prepare_stores(self._env, self._layers, folder / "migrate.log")
            in_parallel([*starts, lambda: self._make_key(folder / "keys.log")])
            self._supervisor = undo.enter_context(Supervisor(self.processes, self._report))
            self._closing = undo.pop_all()
        return self

    def _temporary(self, undo: ExitStack) -> Path:
        folder = StateFolder()
        undo.callback(folder.close)
        self._hold = (folder.lock,)
        return folder.path

    def _prepare(self, folder: Path, undo: ExitStack) -> list[Callable[[], None]]:
        starts: list[Callable[[], None]] = []
        if has(self._layers, API_MODULE):
            port = self._api_port = self._api_port or self._own_port(undo)
            words = ["uvicorn", "pipeline.api.app:app", "--host", LOOPBACK, "--port", str(port)]
            words += ["--timeout-keep-alive", str(KEEP_ALIVE_SECONDS)]
            self.api = self._process("api", folder, [*words, "--timeout-graceful-shutdown", "5"])
            starts.append(lambda: self._start_api(port))
        for number in range(1, self._count + 1):
            worker = self._new_worker(number)
            self.workers.append(worker)
            starts.append(lambda worker=worker: start_worker(worker))  # type: ignore[misc]
        if has(self._layers, SCHEDULE_MODULE):
            words = ["celery", "-A", SCHEDULE_APP, "beat", "--loglevel", "INFO"]
            words += ["--schedule", str(folder / "beat-schedule"), "--pidfile", ""]
            self.beat = beat = self._process("beat", folder, words)
            starts.append(lambda: start_beat(beat))
        return starts

    def scale(self, count: int) -> None:
        """Start or stop workers until there are `count`. The others go on undisturbed.

        Raises:
            StackError: a new worker ended or was not ready in time. It is not counted.
        """
        while len(self.workers) > count:
            worker = self.workers.pop()
            worker.stop()  # it finishes its tasks first, and gives back what it has not begun
        while len(self.workers) < count:
            worker = self._new_worker(len(self.workers) + 1)
            try:
                start_worker(worker)
            except StackError:
                worker.stop()
                raise
            self.workers.append(worker)
            if self._supervisor:
                self._supervisor.watch(worker)

    def _new_worker(self, number: int) -> Process:
        words = ["celery", "-A", CELERY_APP, *self._worker_words(number)]
        return self._process(f"worker{number}", self._folder, words, worker_variables(self._layers))

    def _worker_words(self, number: int) -> list[str]:
        # Mingle makes a worker wait a second for others; gossip tells it nothing that is used here.
        name = f"worker{number}@%h"
        queues = queues_of(number) if has(self._layers, ROUTING_MODULE) else ()
        chosen = ["-Q", ",".join(queues)] if queues else []
        quiet = ["--without-mingle", "--without-gossip"]
        return ["worker", "--hostname", name, "--loglevel", "INFO", *chosen, *quiet]

    @staticmethod
    def _own_port(undo: ExitStack) -> int:
        port = free_port()
        undo.callback(release_port, port)
        return port

    def _process(
        self, name: str, folder: Path, words: list[str], more: Mapping[str, str] | None = None
    ) -> Process:
        folder.mkdir(parents=True, exist_ok=True)
        return Process(
            [sys.executable, "-m", *words],
            env=dict(more or {}) | self._env,
            log=folder / f"{name}.log",
            name=name,
            cwd=folder,
            grace=self._stop_seconds,
            hold=self._hold,
        )

    def _start_api(self, port: int) -> None:
        assert self.api is not None
        self.api.start()
        self.api.wait_ready(lambda: answers_health(port), READY_SECONDS)

    def _make_key(self, log: Path) -> None:
        self.api_key = make_key(self._env, self._layers, log)

    def run(self, name: str, *words: str) -> str:
        """Run `python -m` with these words on the layers' code, and return what it prints.

        Args:
            name: the name of its log.
            words: the module, and its arguments.

        Raises:
            StackError: it ends with another code than 0, or not in time.
        """
        command, log = [sys.executable, "-m", *words], self._folder / f"{name}.log"
        with Process(command, env=self._env, log=log, name=name, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            printed = process.stdout.read().decode("utf-8", "replace")
            code = process.wait(COMMAND_SECONDS)
            said = process.logs(latest=True)
        if code:
            raise StackError(f"`python -m {' '.join(words)}` ended with {code}:\n{said}")
        return printed

    @property
    def headers(self) -> dict[str, str]:
        """What a client sends with each request to the API: its key, from week 8 on."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [process for process in (self.api, *self.workers, self.beat) if process]

    def _report(self, sentence: str) -> None:
        self.say(sentence)

    @property
    def given_up(self) -> list[Process]:
        """Processes that ended too often to be started again."""
        return list(self._supervisor.given_up) if self._supervisor else []

    @property
    def api_url(self) -> str | None:
        """Address of the API; None before week 2."""
        return f"http://{LOOPBACK}:{self._api_port}" if self.api else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()


def start_worker(worker: Process) -> None:
    """Start a worker and wait until it takes tasks.

    Raises:
        StackError: it ended or was not ready in time; names the item where one is unwritten.
    """
    worker.start()
    try:
        worker.wait_ready(lambda: " ready." in worker.logs(latest=True), READY_SECONDS)
    except StackError:
        if unwritten := _unwritten("The worker cannot start", worker.logs(latest=True)):
            raise unwritten from None
        raise


def _unwritten(what: str, log: str) -> StackError | None:
    """An error that names the item, where the scaffold's marker is what the log ends with."""
    if (found := UNWRITTEN.search(log)) is None:
        return None
    item = found[1]
    week = item.partition(".")[0]
    reference = (
        ""
        if find_week(week).is_open  # the student edition: there is no reference yet
        else f", or see the reference run: `bootcamp up {week} --layers reference`"
    )
    return StackError(
        f"{what}: item {item} is not written yet.",
        f"Write it (`bootcamp check {item}`){reference}.",
    )


def start_beat(beat: Process) -> None:
    """Start Beat and wait for its first line. Raises StackError."""
    beat.start()
    beat.wait_ready(lambda: "beat: Starting" in beat.logs(latest=True), READY_SECONDS)
