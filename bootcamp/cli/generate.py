"""`bootcamp generate`: the exercises from the solutions."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bootcamp.authoring import course_files
from bootcamp.authoring.generate import Changes, differences, generate
from bootcamp.course.weeks import Week, all_weeks, find_week
from bootcamp.errors import EXIT_FAILED, BootcampError
from bootcamp.files import shown, write_atomic

console = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add `generate`."""
    app.command("generate", rich_help_panel="For maintainers")(generate_command)


def generate_command(
    week: Annotated[str, typer.Argument(help="5, 05 or week05_retries. Default: all weeks.")] = "",
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing. List what differs and exit with code 1."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also replace files that somebody has changed.")
    ] = False,
) -> None:
    """Generate the exercises, and the tables and lists of the whole course.

    Exercises are the solutions without the marked blocks. The tables of weeks and lessons, the
    search paths of mypy and of editors, and the libraries of the images are made from the folders
    of the weeks.

    If an exercise was changed after it was generated, it is replaced only with --force, and a copy
    is kept in .bootcamp/backups. Of homework pages only the part about notebooks is made. Files
    that the generator did not make are never changed.
    """
    weeks = (find_week(week),) if week else all_weeks()
    if check:
        _check(weeks)
    else:
        _generate(weeks, force=force)


def _check(weeks: tuple[Week, ...]) -> None:
    lines = [line for one in weeks for line in differences(one)]
    lines += [f"different {shown(path)}" for path in course_files.stale()]
    for line in lines:
        console.print(line, markup=False)
    if lines:
        console.print("These files are out of date. Run: bootcamp generate")
        raise typer.Exit(EXIT_FAILED)
    console.print(f"{len(weeks)} weeks: all generated files are up to date.")


def _generate(weeks: tuple[Week, ...], *, force: bool) -> None:
    """Generate each week. If one is refused because of changed files, continue with the others."""
    refused: list[BootcampError] = []
    for one in weeks:
        try:
            found = generate(one, force=force)
        except BootcampError as error:
            refused.append(error)
        else:
            _report(one, found)
    for path, text in course_files.stale().items():
        write_atomic(path, text.encode())
        console.print(f"wrote     {shown(path)}", markup=False)
    if refused:
        messages = "\n".join(error.message for error in refused)
        raise BootcampError(messages, refused[0].next_step)


def _report(week: Week, found: Changes) -> None:
    for file in found.write:
        console.print(f"wrote     {shown(week.exercises / file)}", markup=False)
    for file in found.remove:
        console.print(f"removed   {shown(week.exercises / file)}", markup=False)
    for file in found.extra:
        console.print(f"left      {shown(week.exercises / file)} (not generated)", markup=False)
    if not found:
        console.print(f"{week.name}: up to date")
