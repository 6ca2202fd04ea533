"""How far a step is while it runs. Given.

A step that knows the size of its work says so with `expect`, and counts with `advance`. By default
nobody listens, so both cost nothing. A later week listens with `listen`, and stops a step with `guard`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

Listener = Callable[[int, int], None]
"""Called with how much of the work is done and how much there is. It must not raise."""


@dataclass
class Work:
    """What a running step has done."""

    listener: Listener
    done: int = 0
    total: int = 0


Check = Callable[[], None]
"""Called while a step runs. If it raises, the step stops there."""

_WORK: ContextVar[Work | None] = ContextVar("work", default=None)
_CHECK: ContextVar[Check | None] = ContextVar("check", default=None)


def guard(check: Check) -> None:
    """Let `check` stop the step that runs next in this context. It is called at every checkpoint."""
    _CHECK.set(check)


def checkpoint() -> None:
    """Call the check of the running step, if there is one. Raises what the check raises."""
    if check := _CHECK.get():
        check()


def listen(listener: Listener) -> None:
    """Let `listener` hear of the step that runs next in this context."""
    _WORK.set(Work(listener))


def expect(total: int) -> None:
    """Say how much there is to do. This is a checkpoint."""
    checkpoint()
    if work := _WORK.get():
        work.done, work.total = 0, total


def advance(count: int) -> None:
    """Say that `count` more is done. This is a checkpoint."""
    checkpoint()
    work = _WORK.get()
    if work and work.total:
        work.done = min(work.total, work.done + count)
        work.listener(work.done, work.total)
