"""`up`, `down`, `run`: the local stack and a week's pipeline on it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bootcamp.course.layers import Source
from bootcamp.course.weeks import find_week
from bootcamp.errors import UsageError
from bootcamp.stack import Stack, default_state
from bootcamp.stack.apps import layer_environment
from bootcamp.stack.control import stop_stack
from bootcamp.stack.scaling import scale_running
from bootcamp.stack.up import Plan, Up, detach, running, stopped_by_signals, wait_for_the_end
from bootcamp.student.own_layers import Whose, current_week, layers_for

console = Console(highlight=False, soft_wrap=True)

WeekArgument = Annotated[
    str, typer.Argument(help="5, 05 or week05_retries. Default: your current week.")
]
Layers = Annotated[
    Whose, typer.Option("--layers", help="Run your own passed weeks, or only the reference.")
]
ApiPort = Annotated[
    int | None,
    typer.Option(
        "--port-api", min=1, max=65535, help="Port of the API. Default: 8000, or a free one."
    ),
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=32, help="Number of worker nodes.")]
WithFlower = Annotated[
    bool, typer.Option("--flower", help="Also start Flower on port 5555, with a new password.")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is up.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up_command)
    app.command("down")(down_command)
    app.command("scale-workers")(scale_command)
    app.command("run")(run_command)


def up_command(
    week: WeekArgument = "",
    whose: Layers = Whose.STUDENT,
    api_port: ApiPort = None,
    workers: Workers = 1,
    with_flower: WithFlower = False,
    detached: Detach = False,
) -> None:
    """Start the local services, and the API and workers of a week. Ctrl-C stops them."""
    chosen = find_week(week) if week else current_week()
    plan = Plan(chosen, layers_for(chosen, whose), default_state(), workers, api_port, with_flower)
    if detached:
        arguments = [chosen.name, "--layers", whose.value, "--workers", str(workers)]
        arguments += ["--port-api", str(api_port)] if api_port else []
        arguments += ["--flower"] if with_flower else []
        _show(detach(arguments, plan.folder))
        console.print("It runs in the background. Stop it: [bold]bootcamp down[/]")
        return
    with stopped_by_signals():
        try:
            with running(plan) as (up, apps):
                _show(up)
                console.print("Ctrl-C stops it. What is stored stays.")
                wait_for_the_end(
                    apps, lambda text: console.print(text, style="yellow"), plan.folder
                )
        except KeyboardInterrupt:
            console.print("Stopped.")


def down_command() -> None:
    """Stop what `bootcamp up` started. Stored data is kept."""
    pid = stop_stack(default_state())
    console.print("Nothing is up." if pid is None else f"Stopped (process {pid}).")


def scale_command(
    count: Annotated[int, typer.Argument(min=1, max=32, help="How many workers there shall be.")],
) -> None:
    """Start or stop workers of the stack that `bootcamp up` started. All others go on."""
    scale_running(default_state(), count)
    console.print(f"{count} workers run.")


def run_command(
    week: Annotated[str, typer.Argument(help="5, 05 or week05_retries.")],
    command: Annotated[list[str], typer.Argument(help="The command, after `--`.")],
    whose: Layers = Whose.STUDENT,
) -> None:
    """Run a command with the code of a week and the settings of the running stack.

    For example: bootcamp run 1 -- python -m pipeline.producer
    """
    layers = layers_for(find_week(week), whose)
    env = layer_environment(Stack.attach(default_state()).environment(), layers)
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        raise UsageError(f"Cannot run {command[0]}: {error.strerror}.") from None


def _show(up: Up) -> None:
    layers = Table(title="Code", title_justify="left")
    layers.add_column("Week")
    layers.add_column("From")
    for name, source in sorted(up.layers.items()):
        whose = "yours" if source == Source.STUDENT else "the reference"
        layers.add_row(name, whose)
    addresses = Table(title="Addresses", title_justify="left", show_header=False)
    addresses.add_column(no_wrap=True)
    addresses.add_column(overflow="fold")
    for name, address in up.addresses.items():
        addresses.add_row(name, address)
    console.print(layers)
    console.print(addresses)
    if up.problem:
        console.print("The stack is up, the pipeline is not:", style="yellow")
        console.print(up.problem, markup=False)
