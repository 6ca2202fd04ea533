"""`backup`, `restore`: the stores of the local stack, saved to a folder and put back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import BootcampError, StackError
from bootcamp.operations import backup as saving
from bootcamp.operations.compose import new_folder
from bootcamp.operations.local import new_place
from bootcamp.stack import Stack, default_state

console = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup_command)
    app.command("restore")(restore_command)


def backup_command(
    folder: Annotated[
        Path | None, typer.Argument(help="A new folder. Default: backups/ and the time.")
    ] = None,
) -> None:
    """Save PostgreSQL, the jobs table and the blobs of the local stack. It may be in use."""
    target = folder or new_folder()
    try:
        with _stack() as stack:
            saving.backup(new_place(stack, reference_layers(all_weeks()[-1])), target)
    except saving.BackupError as error:
        raise BootcampError(str(error)) from None
    console.print(f"The backup is in {target}. It has secrets: keep it as safe as the database.")


def _stack() -> Stack:
    """The stack that is up, or a new one on the same data."""
    try:
        return Stack.attach(default_state())
    except StackError:
        return Stack(default_state())


def restore_command(
    folder: Annotated[Path, typer.Argument(help="A folder that `bootcamp backup` has made.")],
) -> None:
    """Replace what the local stack stores with a backup. The stack must be down."""
    try:
        saving.check(folder)
        with Stack(default_state()) as stack:
            saving.restore(new_place(stack, reference_layers(all_weeks()[-1])), folder)
    except saving.BackupError as error:
        raise BootcampError(str(error)) from None
    console.print(f"The stores are those of {folder}. Start the pipeline: bootcamp up")
