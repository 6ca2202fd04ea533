"""Which module brings which command: a command loads its own module and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from bootcamp.cli.main import MODULES, build


@pytest.mark.parametrize("module", MODULES)
def test_a_module_registers_the_commands_that_the_table_names(module: str) -> None:
    for command in MODULES[module]:
        group = typer.main.get_command(build(command))
        assert set(group.commands) == set(MODULES[module])  # type: ignore[attr-defined]


def test_help_and_unknown_commands_know_all_of_them() -> None:
    every = {command for commands in MODULES.values() for command in commands}
    for asked in ("", "--help", "chekc"):
        assert set(typer.main.get_command(build(asked)).commands) == every  # type: ignore[attr-defined]


def test_a_hint_does_not_load_what_grading_a_class_needs() -> None:
    code = (
        "import sys; from bootcamp.cli.main import build; build('hint');"
        "sys.exit('autograder.classroom.assignment' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
