"""`bootcamp`: joins the commands, and turns our errors into a message and an exit code."""

from __future__ import annotations

import gc
import importlib
import sys

import typer
from rich.console import Console

from bootcamp.environment import isolate
from bootcamp.errors import BootcampError

YOUNG_OBJECTS = 50_000
"""Made before the collector looks. Python's 700 let it look hundreds of times while we import."""
MODULES: dict[str, tuple[str, ...]] = {
    "check": ("check", "watch"),
    "student": ("progress", "hint", "solution", "reset"),
    "grade": ("grade", "grade-delete"),
    "grade_worker": ("grade-worker",),
    "release": ("release",),
    "stack": ("up", "down", "run", "scale-workers"),
    "backup": ("backup", "restore"),
    "demo": ("demo",),
    "doctor": ("doctor",),
    "generate": ("generate",),
    "refresh_patches": ("refresh-patches",),
}
"""Modules of `bootcamp.cli` and their commands, in the order of the help text. Each has
`register(app)`."""


def build(command: str = "") -> typer.Typer:
    """The command line: all of it, or what is needed for one command. The others import libraries
    that take longer than many a command.
    """
    app = typer.Typer(
        name="bootcamp",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(about)
    needed = [name for name, commands in MODULES.items() if command in commands] or MODULES
    for name in needed:
        importlib.import_module(f"bootcamp.cli.{name}").register(app)
    return app


def about() -> None:
    """Build an asynchronous document pipeline, week by week."""


def main() -> None:
    """Run the command line. A `BootcampError` is shown without a traceback."""
    gc.set_threshold(YOUNG_OBJECTS)
    isolate()
    try:
        build(next(iter(sys.argv[1:]), ""))()
    except BootcampError as error:
        # Messages quote what was typed and read: brackets in them are no markup.
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        console.print(error.message, style="bold red")
        if error.next_step:
            console.print(error.next_step)
        sys.exit(error.exit_code)
    finally:
        gc.freeze()  # the last collection walks through every library: a third of a second


if __name__ == "__main__":
    main()
