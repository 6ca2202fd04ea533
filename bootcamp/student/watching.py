"""Calls back whenever homework is saved, or a key is pressed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from watchfiles import PythonFilter, watch

from bootcamp.errors import BootcampError

DEBOUNCE_MS = 400
"""Editors save in several steps: wait for the last of them."""
POLL_MS = 500
FILES = (".js", ".css", ".html", ".sql")
"""What homework is written in, besides Python."""
POLLING = (
    "The system reports no changes ({error}). Looking at the files twice a second instead, as "
    "`--poll` does."
)
SAVED, CHECK, HINT, QUIT, LOST = "saved", "c", "h", "q", "lost"


def watch_homework(
    source: Path,
    check: Callable[[], None],
    hint: Callable[[], None],
    *,
    poll: bool,
    say: Callable[[str], None] = print,
) -> None:
    """Check now, then after every save, until Ctrl-C or `q`.

    If the system cannot report changes (on Linux, because every inotify instance is in use), the
    files are polled, and the user is told.

    Args:
        source: the folder that holds the homework.
        check: called now, after each save, and when `c` is pressed.
        hint: called when `h` is pressed.
        poll: look at the files twice a second, for file systems that report no changes.
        say: shows a sentence to the user.

    Raises:
        BootcampError: the files cannot be watched in either way.
    """
    events: SimpleQueue[str] = SimpleQueue()
    notices: list[str] = []

    def checked() -> None:
        check()
        for notice in notices:  # below each result, because a check clears the screen
            say(notice)

    with _saves(source, poll, events, notices), _keys(events):
        checked()
        while (event := events.get()) != QUIT:
            if event == LOST:
                raise BootcampError(
                    f"The files in {source} can no longer be watched.",
                    "Is the folder still there? Start `bootcamp watch` again.",
                )
            if event == HINT:
                hint()
            elif event in (SAVED, CHECK):
                _drain(events)
                checked()


def _drain(events: SimpleQueue[str]) -> None:
    """Several saves in a row are one."""
    try:
        while events.get_nowait() == SAVED:
            pass
    except Empty:
        pass


@contextmanager
def _saves(
    source: Path, poll: bool, events: SimpleQueue[str], notices: list[str]
) -> Iterator[None]:
    """Put `SAVED` into `events` at each change of a homework file below `source`.

    Puts `LOST` where even polling fails. What the user has to know is appended to `notices`.
    """
    stop = threading.Event()

    def look_once(polling: bool) -> None:
        for _ in watch(
            source,
            watch_filter=PythonFilter(extra_extensions=FILES),
            debounce=DEBOUNCE_MS,
            stop_event=stop,
            force_polling=polling or None,
            poll_delay_ms=POLL_MS,
            raise_interrupt=False,
        ):
            events.put(SAVED)

    def look() -> None:
        try:
            if not poll:
                try:
                    return look_once(polling=False)
                except Exception as error:  # `OSError`, or an error of watchfiles' own
                    notices.append(POLLING.format(error=error))
                    events.put(SAVED)  # a save may have been missed meanwhile
            look_once(polling=True)
        except Exception:
            events.put(LOST)

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
