"""Checks a week again whenever its homework is saved, on a stack that stays up."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from rich.console import Console
from watchfiles import PythonFilter, watch

from autograder.run.results import Outcome, WeekResult
from autograder.run.runner import run_week
from bootcamp.cli.show import show_result
from bootcamp.cli.student import hint_command
from bootcamp.course.weeks import Week
from bootcamp.stack import Stack, find_or_start
from bootcamp.student import progress

DEBOUNCE_MS = 400
"""Editors save in several steps: wait for the last of them."""
POLL_MS = 500
FILES = (".js", ".css", ".html", ".sql")
"""What homework is written in, besides Python."""
SAVED, CHECK, HINT, QUIT = "saved", "c", "h", "q"


def watch_week(week: Week, items: tuple[str, ...], source: Path, *, poll: bool) -> None:
    """Check now, then after every save, until Ctrl-C or `q`.

    Args:
        poll: look at the files twice a second, for file systems that report no changes.
    """
    console = Console(file=sys.stdout)
    events: SimpleQueue[str] = SimpleQueue()
    with find_or_start() as stack, _saves(source, poll, events), _keys(events):
        result = _check(console, week, items, source, stack)
        while (event := events.get()) != QUIT:
            if event == HINT:
                _hint(console, result)
            elif event in (SAVED, CHECK):
                _drain(events)
                result = _check(console, week, items, source, stack)


def _check(
    console: Console, week: Week, items: tuple[str, ...], source: Path, stack: Stack
) -> WeekResult:
    taken = progress.fingerprint(week)
    with console.status(f"checking {week}"):
        result = run_week(week, source, items=items, stack=stack)
    console.clear()
    show_result(console, result)
    if source == week.exercises:
        progress.record(result.to_json(), taken=taken)
    if result.passed:
        console.print("[green]All green.[/] On to the next week, or make it nicer.")
    console.print("Watching: save a file to check again. h hint, c check now, q quit.", style="dim")
    return result


def _hint(console: Console, result: WeekResult) -> None:
    for one in result.items:
        if one.outcome not in (Outcome.PASSED, Outcome.SKIPPED):
            hint_command(one.item.id)
            return
    console.print("Nothing to hint at: every item has passed.", style="dim")


def _drain(events: SimpleQueue[str]) -> None:
    """Several saves in a row are one."""
    try:
        while events.get_nowait() == SAVED:
            pass
    except Empty:
        pass


@contextmanager
def _saves(source: Path, poll: bool, events: SimpleQueue[str]) -> Iterator[None]:
    """Put `SAVED` into `events` at each change of a homework file below `source`."""
    stop = threading.Event()

    def look() -> None:
        for _ in watch(
            source,
            watch_filter=PythonFilter(extra_extensions=FILES),
            debounce=DEBOUNCE_MS,
            stop_event=stop,
            force_polling=poll or None,
            poll_delay_ms=POLL_MS,
            raise_interrupt=False,
        ):
            events.put(SAVED)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2.0)


@contextmanager
def _keys(events: SimpleQueue[str]) -> Iterator[None]:
    """Put each key that is pressed into `events`, if there is a keyboard."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    def read() -> None:
        while key := sys.stdin.read(1):
            events.put(key.lower())

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)  # single keys; Ctrl-C stays a signal
    threading.Thread(target=read, daemon=True).start()
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
