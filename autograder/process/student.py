"""The student's code, in processes of its own: a caller, workers, an API.

Graders use nothing else to make it run. What goes wrong inside becomes a card, not an error of ours.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

from autograder.card import Card, CheckFailed, NotGradable, NotReady, TookTooLong
from autograder.process import rpc_server
from autograder.process.api import Api
from autograder.process.fork_client import Forked, Host, base_environment, last_lines
from autograder.process.orphans import end_all_but, end_leftovers
from autograder.process.rpc_client import (
    Answer,
    Caller,
    Request,
    call_of,
    describe,
    failure_card,
)
from autograder.process.worker import Worker
from bootcamp import bounds
from bootcamp.course.layers import Layer, pythonpath
from bootcamp.ports import free_port, release_port

CALL_SECONDS = 10.0
"""How long a call may take where a grader does not say otherwise."""
IMPORT_SECONDS = 10.0
MIGRATE = "pipeline/migrate.py"
MIGRATION_TRIES = 3
MIGRATION_SECONDS = 60.0


class Student:
    """Everything that runs student code in one grading run."""

    def __init__(
        self,
        layers: tuple[Layer, ...],
        env: Mapping[str, str],
        folder: Path,
        host: Host,
    ) -> None:
        self._layers = layers
        self.home = folder
        """The folder that its processes start in and may write to."""
        self._host = host
        self._processes: list[Forked] = []
        self._caller = Caller(self._start_caller)
        self._ports: list[int] = []
        self._migration: Forked | None = None
        self.workers: list[Worker] = []
        self.env = {
            **base_environment(folder),
            **env,
            "PYTHONPATH": pythonpath(layers),
        }

    # -- processes ---------------------------------------------------------------------------

    def process(
        self,
        name: str,
        command: list[str],
        *,
        env: Mapping[str, str] | None = None,
        pipes: bool = False,
    ) -> Forked:
        """Start a command of the student's, limited, in its own folder and environment.

        Args:
            command: what `python` is given; with `sys.executable` in front, it is a fresh one.
        """
        process = self._host.spawn(
            command,
            name=f"student-{name}",
            env={**self.env, **(env or {})},
            cwd=self.home,
            path=[str(layer.path) for layer in self._layers],
            log=f"{name}-{id(self):x}-{len(self._processes)}.log",
            pipes=pipes,
        )
        self._processes.append(process)
        return process

    def _start_caller(self) -> Forked:
        return self.process("caller", [rpc_server.__file__, str(bounds.MAX_CALL_BYTES)], pipes=True)

    def tail(self, process: Forked) -> tuple[str, ...]:
        """The last lines of a process's log."""
        return last_lines(process.logs())

    def mark_logs(self) -> None:
        """Let `recent` and `tail` of every process begin here: a card shows one test's lines alone."""
        for process in self._processes:
            process.mark_log()

    def processor_seconds(self) -> float:
        """Processor time that all processes of the student's have used, those that have ended included."""
        root = psutil.Process(self._host.pid)
        total = 0.0
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def stop(self) -> None:
        """End every process of the student's."""
        for process in self._processes:
            process.kill(group=True)  # all is graded: nobody waits for a last word
        self._caller.stop()
        for process in self._processes:
            process.stop(grace=0.0)
        end_leftovers(self.home)
        for port in self._ports:
            release_port(port)

    # -- stores ------------------------------------------------------------------------------

    def launch_migration(self) -> None:
        """Prepare the stores: run `python -m pipeline.migrate`, which prints what it did. Does not
        wait for it. Processes that boot in the meantime need nothing of the stores yet. Nothing is
        run where no layer has migrations.
        """
        if any((layer.path / MIGRATE).is_file() for layer in self._layers):
            self._migration = self.process("migrate", ["-m", "pipeline.migrate"])

    def await_migration(self) -> None:
        """Wait until the stores are prepared, which is launched here unless it was before.

        Raises:
            NotGradable: they cannot be prepared.
        """
        if self._migration is None:
            self.launch_migration()
        if self._migration is None:  # no layer has migrations
            return
        code = self._migrated()
        for _ in range(MIGRATION_TRIES - 1):
            if code != os.EX_TEMPFAIL:
                break
            self.launch_migration()  # a store did not answer on a busy machine: it says "try again"
            code = self._migrated()
        if code != 0:
            raise _not_started(
                self._migration,
                sent="python -m pipeline.migrate",
                expected="stores that are ready, and exit code 0",
                got="it did not end in time" if code is None else f"exit code {code}",
                late=code is None,
            )

    def _migrated(self) -> int | None:
        """The exit code of the migration that runs; None: it did not end in time."""
        assert self._migration is not None
        try:
            return self._migration.wait(MIGRATION_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    # -- calls -------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Boot the caller while the grader does other things."""
        self._caller.start()

    def renew(self) -> None:
        """End the caller: the next call is made in a process that has seen none before."""
        self._caller.stop()

    def leave_only(self, *workers: Worker) -> None:
        """End every process of the student's that is none of these workers, daemons included. So what
        happens from now on is the work of these workers alone. The next call starts a new caller.
        """
        kept = [one.process.pid for one in workers]
        self._caller.stop()
        end_all_but(self._host.pid, kept)

    def ask(
        self, module: str, name: str, *args: Any, timeout: float = CALL_SECONDS, **kwargs: Any
    ) -> Answer:
        """Call a function and take whatever comes, an exception too."""
        return self._caller.ask(call_of(module, name, args, kwargs), timeout)

    def call(
        self, module: str, name: str, *args: Any, timeout: float = CALL_SECONDS, **kwargs: Any
    ) -> Any:
        """Call a function that must not raise, and return its value.

        Raises:
            CheckFailed: it raised, gave no answer in time, or took the process down.
        """
        return self._value(call_of(module, name, args, kwargs), timeout)

    def read(self, module: str, name: str) -> Any:
        """The value of a name in a module: `read("pipeline.x", "app.conf.timezone")`."""
        return self._value({"module": module, "name": name}, CALL_SECONDS)

    def _value(self, request: Request, timeout: float) -> Any:
        answer = self._caller.ask(request, timeout)
        if not answer.ok:
            raise CheckFailed(failure_card(describe(request), answer))
        return answer.value

    def import_error(self, relative: PurePosixPath) -> NotGradable | None:
        """Why a homework file cannot be imported, or `None`."""
        module = ".".join(relative.with_suffix("").parts)
        try:
            answer = self._caller.ask({"module": module}, IMPORT_SECONDS)
        except TookTooLong as failure:
            return NotReady(failure.card)
        except CheckFailed as failure:
            return NotGradable(failure.card)
        return None if answer.ok else NotGradable(failure_card(f"import {module}", answer))

    # -- workers -----------------------------------------------------------------------------

    def start_worker(self, name: str, env: Mapping[str, str] | None = None) -> Worker:
        """Start one more worker, and wait until it is ready.

        Raises:
            NotGradable: it does not start.
        """
        worker = self.launch_worker(name, env)
        self.await_worker(worker)
        return worker

    def launch_worker(self, name: str, env: Mapping[str, str] | None = None) -> Worker:
        """Start a worker without waiting for it: several boot side by side."""
        worker = Worker(self.process(f"worker-{name}", Worker.command(name), env=env), name)
        self.workers.append(worker)
        return worker

    def await_worker(self, worker: Worker) -> None:
        """Wait until a launched worker is ready.

        Raises:
            NotGradable: it does not start.
        """
        if not worker.wait_ready():
            last = "".join(f": {line}" for line in self.tail(worker.process)[-1:])
            raise _not_started(
                worker.process,
                sent=f"python {' '.join(Worker.command(worker.name)[:5])} …",
                expected="a worker that is ready",
                got="it did not get ready in time" if worker.alive else f"the worker ended{last}",
                late=worker.alive,
            )

    # -- the API -----------------------------------------------------------------------------

    def launch_api(self, name: str, env: Mapping[str, str] | None = None) -> Api:
        """Start an API without waiting for it: it boots while a worker does."""
        port = free_port()
        self._ports.append(port)
        return Api(self.process(f"api-{name}", Api.command(port), env=env), name, port)

    def await_api(self, api: Api) -> None:
        """Wait until a launched API answers `GET /health`.

        Raises:
            NotGradable: it does not.
        """
        if not api.wait_ready():
            raise _not_started(
                api.process,
                sent=f"python {' '.join(Api.command(api.port))}, then GET /health",
                expected="an API that answers",
                got="it did not answer in time" if api.alive else "the API ended",
                late=api.alive,
            )


def _not_started(process: Forked, *, sent: str, expected: str, got: str, late: bool) -> NotGradable:
    log = last_lines(process.logs())
    card = Card(sent, expected, got, cause="the last lines of its log say why", log=log)
    return (NotReady if late else NotGradable)(card.cleaned())
