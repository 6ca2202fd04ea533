"""Checks a week again whenever its homework is saved, on a stack that stays up."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from watchfiles import watch

from autograder.engine.runner import run_week
from bootcamp import progress
from bootcamp.cli.show import show_result
from bootcamp.stack import find_or_start
from bootcamp.weeks import Week

DEBOUNCE_MS = 400
"""Editors save in several steps: wait for the last of them."""
POLL_MS = 500


def watch_week(
    week: Week, items: tuple[str, ...], source: Path, *, record: bool, poll: bool
) -> None:
    """Check now, then after every save, until Ctrl-C.

    Args:
        record: keep the outcomes in the student's progress.
        poll: look at the files twice a second, for file systems that report no changes.
    """
    console = Console()
    with find_or_start() as stack:
        changes = watch(
            source,
            debounce=DEBOUNCE_MS,
            force_polling=poll or None,
            poll_delay_ms=POLL_MS,
            raise_interrupt=False,
            yield_on_timeout=False,
        )
        while True:
            with console.status(f"checking {week}"):
                result = run_week(week, source, items=items, stack=stack)
            console.clear()
            show_result(console, result)
            if record:
                progress.record(result.to_json())
            if result.passed:
                console.print("[green]All green.[/] On to the next week, or make it nicer.")
            console.print("Watching; save a file to check again, Ctrl-C to stop.", style="dim")
            if next(changes, None) is None:
                return
