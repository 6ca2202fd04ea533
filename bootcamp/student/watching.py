"""Calls back whenever homework is saved, or a key is pressed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from watchfiles import PythonFilter, watch

DEBOUNCE_MS = 400
"""Editors save in several steps: wait for the last of them."""
POLL_MS = 500
FILES = (".js", ".css", ".html", ".sql")
"""What homework is written in, besides Python."""
SAVED, CHECK, HINT, QUIT = "saved", "c", "h", "q"


def watch_homework(
    source: Path, check: Callable[[], None], hint: Callable[[], None], *, poll: bool
) -> None:
    """Check now, then after every save, until Ctrl-C or `q`.

    Args:
        source: the folder that holds the homework.
        check: called now, after each save, and when `c` is pressed.
        hint: called when `h` is pressed.
        poll: look at the files twice a second, for file systems that report no changes.
    """
    events: SimpleQueue[str] = SimpleQueue()
    with _saves(source, poll, events), _keys(events):
        check()
        while (event := events.get()) != QUIT:
            if event == HINT:
                hint()
            elif event in (SAVED, CHECK):
                _drain(events)
                check()


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
