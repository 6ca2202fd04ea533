"""`bootcamp release`: the student edition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bootcamp.authoring.release import release
from bootcamp.course.weeks import all_weeks, find_week

console = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("release", rich_help_panel="For instructors")(release_command)


def release_command(
    through: Annotated[str, typer.Option(metavar="WEEK", help="The last week to release.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The edition's git repository.")],
    closed: Annotated[
        str,
        typer.Option(
            metavar="WEEK",
            help="The last week whose solution is released too. 0 means none. "
            "Default: the week before.",
        ),
    ] = "",
) -> None:
    """Make or update the student edition: lessons, exercises, notebooks, graders, past solutions.

    The edition is a git repository of its own, and this commits to it. Students clone it once and
    pull each new week.
    """
    last = find_week(through)
    if closed:
        solved = None if closed == "0" else find_week(closed)
    else:
        solved = max((week for week in all_weeks() if week < last), default=None)
    done = release(last, solved, out.expanduser().resolve())
    opened = [week.name for week in done.weeks if week not in done.closed]
    console.print(f"{done.files} files in {out}: weeks 1 to {last.number}.", markup=False)
    console.print(f"Open: {', '.join(opened) or 'none'}.", markup=False)
    said = f"Committed as {done.commit}." if done.commit else "Nothing had changed."
    console.print(said, markup=False)
