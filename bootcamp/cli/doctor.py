"""`bootcamp doctor`: is this machine fit for the bootcamp?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bootcamp.errors import EXIT_FAILED
from bootcamp.stack.doctor import Finding, Status, examine, is_fit

SIGNS = {
    Status.OK: ("✓ ok", "green"),
    Status.OPTIONAL: ("– optional", "dim"),
    Status.WARNING: ("! warning", "yellow"),
    Status.FAILED: ("✗ failed", "bold red"),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor")(doctor_command)


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check this machine, and say how to fix what is missing.

    Exit code: 0 nothing required is missing, 1 something is.
    """
    findings = examine()
    fit = is_fit(findings)
    if as_json:
        typer.echo(json.dumps({"ok": fit, "checks": [asdict(one) for one in findings]}, indent=1))
    else:
        console = Console(highlight=False)
        console.print(_table(findings))
        verdict = "This machine is fit." if fit else "Something that is needed is missing: see ✗."
        console.print(verdict, style="bold")
    if not fit:
        raise typer.Exit(EXIT_FAILED)


def _table(findings: list[Finding]) -> Table:
    table = Table("Check", "Result", "Found", "What to do")
    for finding in findings:
        sign, style = SIGNS[finding.status]
        table.add_row(finding.name, Text(sign, style), Text(finding.found), Text(finding.advice))
    return table
