"""How far a step is while it runs. Given.

A step that knows the size of its work says so with `expect`, and counts with `advance`. By default
nobody listens, so both cost nothing. A later week listens with `listen`.
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


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


def listen(listener: Listener) -> None:
    """Let `listener` hear of the step that runs next in this context."""
    _WORK.set(Work(listener))


def expect(total: int) -> None:
    """Say how much there is to do."""
    if work := _WORK.get():
        work.done, work.total = 0, total


def advance(count: int) -> None:
    """Say that `count` more is done."""
    work = _WORK.get()
    if work and work.total:
        work.done = min(work.total, work.done + count)
        work.listener(work.done, work.total)
