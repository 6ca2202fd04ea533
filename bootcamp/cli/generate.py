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
    week: Annotated[
        str, typer.Argument(help="5, 05 or week05_retries; all weeks if left out.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; list what differs and exit with 1.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also replace files that hold somebody's work.")
    ] = False,
) -> None:
    """Make all that is generated: the exercises, and the tables and lists of the whole course.

    Exercises are the solutions with the bodies cut out. The tables of weeks and lessons, the
    search paths of mypy and of editors, and the images' libraries follow from the weeks' folders.

    A file that was changed since it was generated holds somebody's work. It is never replaced,
    unless --force says so; then a copy is kept in .bootcamp/backups. Homework pages, and files
    that the generator did not make, are left alone.
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
        console.print("These files are not what the weeks give. Run: bootcamp generate")
        raise typer.Exit(EXIT_FAILED)
    console.print(f"{len(weeks)} weeks: all that is generated is up to date.")


def _generate(weeks: tuple[Week, ...], *, force: bool) -> None:
    """One week that holds somebody's work does not keep the others from being renewed."""
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
