"""`bootcamp`: joins the commands, and turns our errors into a message and an exit code."""

from __future__ import annotations

import gc
import importlib
import sys

import typer
from rich.console import Console

from bootcamp.errors import BootcampError

COMMANDS = ("check", "student", "grade", "release", "stack", "demo", "doctor", "generate")
"""Modules of `bootcamp.cli`; each has `register(app)`. Order is the order of the help text."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="bootcamp",
        help="Build an asynchronous document pipeline, week by week.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMANDS:
        importlib.import_module(f"bootcamp.cli.{name}").register(app)
    return app


def main() -> None:
    """Run the command line. A `BootcampError` is shown without a traceback."""
    try:
        build()()
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
