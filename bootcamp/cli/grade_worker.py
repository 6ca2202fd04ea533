"""`bootcamp grade-worker`: grades what `bootcamp grade --broker` publishes, on any machine."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bootcamp.cli.grade import MAX_PROCESSES, Broker, KeyFile, require_libraries
from bootcamp.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("grade-worker")(grade_worker)


def grade_worker(
    broker: Broker = "",
    key_file: KeyFile = None,
    processes: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, max=MAX_PROCESSES, help="Submissions graded at once."),
    ] = max(1, (os.cpu_count() or 2) // 2),
    visibility: Annotated[
        int | None,
        typer.Option(
            min=5,
            metavar="SECONDS",
            help="Redeliver a dead worker's submissions after this many seconds.",
        ),
    ] = None,
    unsandboxed: Annotated[
        bool, typer.Option("--allow-unsandboxed", help="Grade even if no strong sandbox works.")
    ] = False,
) -> None:
    """Grade submissions for a publisher until Ctrl-C. Press it again to give back what has begun.

    Exit code: 0 stopped by Ctrl-C, 2 wrong usage, or a publisher has other graders.
    """
    require_libraries()
    if not broker:
        raise UsageError("Which broker? Give its address: --broker redis://:PASSWORD@HOST:6379/0")
    from autograder.classroom.execution import signing, worker
    from bootcamp.cli.grade_class import tier_here

    seal, tier = signing.read_seal(key_file), tier_here(unsandboxed)
    raise typer.Exit(worker.work(broker, seal, tier, processes, visibility))
