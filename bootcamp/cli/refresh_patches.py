"""`bootcamp refresh-patches`: wrong and unlike solutions follow the reference."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from autograder.validation.carry import State
from autograder.validation.refresh import Refreshed, refresh
from bootcamp import paths
from bootcamp.course.weeks import all_weeks, find_week
from bootcamp.errors import EXIT_FAILED
from bootcamp.files import shown

console = Console(highlight=False, soft_wrap=True, markup=False)
NEXT_STEPS = {
    State.CONFLICT: "Edit {edit}: keep the fault that the story tells, on today's code, and remove "
    "the conflict markers. Then run this command again.",
    State.DOES_NOT_APPLY: "Give the revision that it was made on (--base REV), or edit {edit} "
    "so that it has the fault that the story tells, and run this command again.",
    State.NO_EFFECT: "Delete the patch, or edit {edit} so that it has the fault again, "
    "and run this command again.",
    State.BROKEN: "Edit {edit} so that it uses today's names, and run this command again.",
    State.SEVERAL_WEEKS: "Make a patch for one of these weeks by hand: a patch changes one week.",
    State.OTHER_ITEMS: "Move the patch to that week's folder by hand and change `loses`, "
    "or delete it.",
}


def register(app: typer.Typer) -> None:
    """Add `refresh-patches`."""
    app.command("refresh-patches", rich_help_panel="For maintainers")(refresh_patches)


def refresh_patches(
    weeks: Annotated[
        list[str] | None, typer.Argument(help="5, 05 or week05_retries. Default: all weeks.")
    ] = None,
    base: Annotated[
        str,
        typer.Option(metavar="REV", help="The commit whose solutions the patches were made from."),
    ] = "HEAD",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing. Show what would change.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Adapt the patches of wrong and unlike solutions to changed solutions.

    Run it after you have changed solutions and before you commit. After a commit, add --base HEAD~1.
    Each patch is merged three ways, from the solutions at --base to the present ones. A patch that
    still applies is not changed. Patches with conflicts are listed, and the exit code is 1.
    """
    chosen = [find_week(week).name for week in weeks or ()]
    names = chosen or [week.name for week in all_weeks()]
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("patches", total=None)
        found = refresh(
            paths.ROOT,
            names,
            state=paths.state_dir(),
            base=base,
            dry_run=dry_run,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if as_json:
        entries = [_entry(one) for one in found]
        sys.stdout.write(json.dumps({"base": base, "dry_run": dry_run, "patches": entries}) + "\n")
    else:
        _show(found)
    if not all(one.fine for one in found):
        raise typer.Exit(EXIT_FAILED)


def _entry(one: Refreshed) -> dict[str, str | int | None]:
    outcome = one.outcome
    return {
        "patch": one.path.as_posix(),
        "state": outcome.state.value,
        "moved_from": one.moved_from.as_posix() if one.moved_from else None,
        "file": outcome.file or None,
        "line": outcome.line,
        "reason": outcome.reason or None,
        "next": None if one.fine else _next_step(one),
    }


def _next_step(one: Refreshed) -> str:
    edit = shown(one.edit) if one.edit else "its file in .bootcamp/patches"
    return NEXT_STEPS[one.outcome.state].format(edit=edit)


def _show(found: list[Refreshed]) -> None:
    for one in found:
        if one.outcome.state is State.CARRIED:
            origin = f" (was {one.moved_from})" if one.moved_from else ""
            console.print(f"carried   {one.path}{origin}")
    for one in found:
        if not one.fine:
            outcome = one.outcome
            line = f":{outcome.line}" if outcome.line else ""
            console.print(f"\n{one.path}: {outcome.state}", style="bold red")
            console.print(f"  solutions/{outcome.file}{line}: {outcome.reason}.")
            console.print(f"  {_next_step(one)}")
    counts = Counter(one.outcome.state for one in found)
    listed = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    console.print(f"\n{len(found)} patches: {listed or 'none'}.")
