"""`bootcamp up`: the stack and the pipeline on it, until somebody says stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bootcamp.course.layers import Layer
from bootcamp.course.weeks import Week
from bootcamp.errors import StackError
from bootcamp.ports import is_free
from bootcamp.stack import Stack
from bootcamp.stack.apps import NEWS_MODULE, PAGE_MODULE, Apps, has, layer_environment
from bootcamp.stack.flower import Flower, flower
from bootcamp.stack.scaling import Wishes
from bootcamp.stack.state import holder, is_held, make_private, read_json, write_private

READY_FILE = "up.json"
LOG_FILE = "up.log"
DEFAULT_API_PORT = 8000
DETACH_SECONDS = 120.0
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Up:
    """What is up, for people to read. Written to `up.json`, which its owner alone can read."""

    week: str
    layers: dict[str, str]
    addresses: dict[str, str]
    problem: str = ""
    pid: int = 0
    server_pids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Up | None:
        """What the stack in `folder` wrote when it was ready; None before that."""
        known: dict[str, Any] = read_json(folder / READY_FILE)
        return cls(**known) if known else None


@dataclass(frozen=True)
class Plan:
    """What `up` was asked for."""

    week: Week
    layers: tuple[Layer, ...]
    folder: Path
    workers: int = 1
    api_port: int | None = None
    flower: bool = False


@contextmanager
def running(plan: Plan) -> Iterator[tuple[Up, Apps | None]]:
    """Start everything; stop it at the end of the block.

    The stack stays up when the pipeline does not start: the student's code may be half done.

    Raises:
        StackError: the stack itself did not start.
    """
    with ExitStack() as undo:
        stack = undo.enter_context(Stack(plan.folder))
        wished = plan.api_port or (DEFAULT_API_PORT if is_free(DEFAULT_API_PORT) else None)
        logs = make_private(plan.folder / "apps")
        apps: Apps | None = Apps(
            stack.environment(), plan.layers, workers=plan.workers, state=logs, api_port=wished
        )
        problem = ""
        try:
            undo.enter_context(apps)  # type: ignore[arg-type]
        except StackError as error:
            apps, problem = None, str(error)
        tasks = undo.enter_context(_flower(plan, stack, logs)) if plan.flower else None
        up = _describe(plan, stack, apps, problem, tasks)
        undo.callback((plan.folder / READY_FILE).unlink, missing_ok=True)
        _save(plan.folder, up)
        yield up, apps


def _flower(plan: Plan, stack: Stack, logs: Path) -> AbstractContextManager[Flower]:
    return flower(layer_environment(stack.environment(), plan.layers), logs)


def _describe(
    plan: Plan, stack: Stack, apps: Apps | None, problem: str, tasks: Flower | None
) -> Up:
    known = stack.environment()
    api = apps.api_url if apps else None
    page = {"Status page": f"{api}/"} if has(plan.layers, PAGE_MODULE) else {}
    page |= {"News": f"{api}/desk"} if has(plan.layers, NEWS_MODULE) else {}
    key = {"API key": apps.api_key} if apps and apps.api_key else {}
    addresses = {**page, "API": f"{api}/docs", **key} if api else {}
    addresses |= {"Flower": tasks.address} if tasks else {}
    addresses |= {
        "Redis": known["REDIS_URL"],
        "PostgreSQL": known["DATABASE_URL"],
        "DynamoDB and S3": known["AWS_ENDPOINT_URL"],
        "OpenAI": known.get("OPENAI_BASE_URL", "the real service: OPENAI_API_KEY is set"),
        "Webhooks": known["WEBHOOK_SINK_URL"],
        "Mail": known["SMTP_URL"],
        "Feeds": known["NEWS_FEEDS_URL"],
        "Logs": str(plan.folder / "apps"),
    }
    layers = {layer.week.name: str(layer.source) for layer in plan.layers}
    up = stack.endpoints
    return Up(plan.week.name, layers, addresses, problem, up.pid, up.server_pids)


def _save(folder: Path, up: Up) -> None:
    import json

    write_private(folder / READY_FILE, json.dumps(asdict(up), indent=2))


def wait_for_the_end(
    apps: Apps | None, report: Callable[[str], None], folder: Path | None = None
) -> None:
    """Wait for Ctrl-C or SIGTERM; report when a process of the pipeline ended by itself.

    Args:
        apps: the processes; None if they did not start.
        report: gets a sentence.
        folder: the state folder, where `bootcamp scale-workers` asks for more workers. None: nobody asks.
    """
    if apps:
        apps.say = report
    wishes = Wishes(folder, apps) if folder else None
    while True:
        if wishes:
            wishes.fulfil()
        time.sleep(POLL_SECONDS)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does: in order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {n: signal.signal(n, interrupt) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def detach(arguments: list[str], folder: Path) -> Up:
    """Run `bootcamp up ARGUMENTS` in a session of its own; return once it is ready.

    Raises:
        StackError: a stack is up already, or this one ended or took too long; shows its log.
    """
    if is_held(folder):
        raise StackError(
            f"The state folder {folder} is in use by process {holder(folder)}.",
            "Stop that stack first: bootcamp down",
        )
    log = make_private(folder) / LOG_FILE
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "bootcamp", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + DETACH_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        up = Up.load(folder)
        if up and up.pid == child.pid:
            return up
        time.sleep(POLL_SECONDS)
    child.terminate()
    raise StackError("The stack did not come up.\n" + log.read_text(errors="replace")[-3000:])
