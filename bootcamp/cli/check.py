"""`bootcamp check` and `bootcamp watch`: run the graders, and show what they say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.process.browser import Chrome
from autograder.process.fork_client import Host
from autograder.run.results import WeekResult
from autograder.run.runner import run_week
from autograder.run.submission import helpers_text, locate, own_helpers
from autograder.sandbox.tiers import Sandbox, Tier
from bootcamp.cli.show import show_result
from bootcamp.cli.student import hint_command
from bootcamp.course.manifest import find_item, graded_weeks, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import EXIT_FAILED, EXIT_GRADER_ERROR
from bootcamp.stack import Stack, find_or_start
from bootcamp.stack.state import StateFolder
from bootcamp.student import progress
from bootcamp.student.watching import watch_homework

Where = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DIR", help="Check `solutions` or this folder instead of exercises/."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(watch)


def target(text: str) -> tuple[Week, tuple[str, ...]]:
    """The week and the items that `5`, `05`, `week05_retries` or `5.2` names.

    Raises:
        UsageError: there is no such week or item.
    """
    if "." in text:
        week, item = find_item(text)
        return week, (item.id,)
    week = find_week(text)
    return week, tuple(item.id for item in load_manifest(week).items)


def exit_code(results: list[WeekResult]) -> int:
    """0 everything passed, 1 something did not pass, 3 grader error, or this machine cannot check it."""
    if any(result.grader_errors or result.unavailable for result in results):
        return EXIT_GRADER_ERROR
    return 0 if all(result.passed for result in results) else EXIT_FAILED


def check(
    what: Annotated[
        str | None, typer.Argument(metavar="[WEEK|ITEM]", help="A week or an item. Default: all.")
    ] = None,
    source: Where = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    seed: Annotated[int | None, typer.Option(help="Repeat the inputs of an earlier run.")] = None,
) -> None:
    """Check the homework of a week, or one item of it.

    Exit code: 0 everything passed, 1 something did not pass, 2 wrong usage, 3 grader error,
    or this machine lacks what a check needs.
    """
    targets = [target(what)] if what else [target(week.name) for week in graded_weeks()]
    places = [locate(week, source) for week, _ in targets]
    # The stream is named: the checks redirect `sys.stdout`, and the progress line must not follow.
    console = Console(file=sys.stderr if as_json else sys.stdout)
    results = []
    with ExitStack() as exit_stack:
        status = exit_stack.enter_context(console.status("starting the local stack"))
        host, _ = exit_stack.enter_context(_warm())
        stack = exit_stack.enter_context(find_or_start())
        for (week, items), place in zip(targets, places, strict=True):
            taken = progress.fingerprint(week)
            status.update(f"checking {week}")
            _name_helpers(console, week, place)
            result = run_week(week, place, items=items, stack=stack, seed=seed, host=host)
            results.append(result)
            if not as_json:
                show_result(console, result)
            if place == week.exercises:
                progress.record(result.to_json(), taken=taken)
    if as_json:
        data = [result.to_json() for result in results]
        print(json.dumps(data[0] if what else data))
    raise typer.Exit(exit_code(results))


def watch(
    what: Annotated[str, typer.Argument(metavar="WEEK", help="The week you are working on.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="Watch this folder instead of exercises/.")
    ] = None,
    poll: Annotated[
        bool, typer.Option(help="Poll the files if the system reports no changes.")
    ] = False,
) -> None:
    """Check the week again after every save. Keys: h shows a hint, c checks now, q quits."""
    week, items = target(what)
    place = locate(week, source)
    with _warm() as warm, find_or_start() as stack:
        watched = _Watched(week, items, place, stack, warm)
        watch_homework(place, watched.check, watched.hint, poll=poll)


@contextmanager
def _warm() -> Iterator[tuple[Host, Chrome]]:
    """What serves every check: the parent of the student's processes, which imports while the stack starts,
    and a browser, which starts with the first page.
    """
    with ExitStack() as exit_stack:
        state = exit_stack.enter_context(closing(StateFolder()))
        host = exit_stack.enter_context(Host(state.folder("host")))
        browser = exit_stack.enter_context(
            closing(Chrome(Sandbox(Tier.LIMITS), state.folder("browser")))
        )
        host.start()
        yield host, browser


def _name_helpers(console: Console, week: Week, source: Path) -> None:
    """Say which files of the student's own are not taken along."""
    if text := helpers_text(own_helpers(week, source)):
        console.print(Text(text, "yellow"))


class _Watched:
    """A week that is checked again and again on a stack that stays up."""

    def __init__(
        self,
        week: Week,
        items: tuple[str, ...],
        source: Path,
        stack: Stack,
        warm: tuple[Host, Chrome],
    ) -> None:
        self._week, self._items, self._source, self._stack = week, items, source, stack
        self._host, self._browser = warm
        self._console = Console(file=sys.stdout)
        self._result: WeekResult | None = None

    def check(self) -> None:
        """Check, show the result on a cleared screen, and keep it."""
        console, taken = self._console, progress.fingerprint(self._week)
        with console.status(f"checking {self._week}"):
            result = run_week(
                self._week,
                self._source,
                items=self._items,
                stack=self._stack,
                host=self._host,
                browser=self._browser,
            )
        self._result = result
        console.clear()
        _name_helpers(console, self._week, self._source)
        show_result(console, result)
        if self._source == self._week.exercises:
            progress.record(result.to_json(), taken=taken)
        if result.passed:
            console.print("[green]All green.[/] On to the next week, or make it nicer.")
        console.print(
            "Watching: save a file to check again. h hint, c check now, q quit.", style="dim"
        )

    def hint(self) -> None:
        """Give a hint on the first item that did not pass."""
        for one in self._result.items if self._result else ():
            if one.outcome not in (Outcome.PASSED, Outcome.SKIPPED):
                hint_command(one.item.id)
                return
        self._console.print("Nothing to hint at: every item has passed.", style="dim")
