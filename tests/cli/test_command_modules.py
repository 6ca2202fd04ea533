"""Which module brings which command: a command loads its own module and no other."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
import typer

from bootcamp.cli.grade import LIBRARIES
from bootcamp.cli.main import MODULES, build
from bootcamp.paths import ROOT


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


NOT_INSTALLED = (
    "import sys; sys.modules.update(dict.fromkeys(['copydetect', 'jinja2', 'nbgrader', 'yaml']));"
)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["grade", "nowhere", "--week", "1", "--out", "nowhere"],
            2,
            'pip install --editable ".[classroom]"',
        ),
        (["--help"], 0, "refresh-patches"),
    ],
)
def test_without_the_extra_classroom(arguments: list[str], code: int, said: str) -> None:
    program = f"{NOT_INSTALLED} from bootcamp.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert code == 0 or len(done.stderr.splitlines()) == 1


def test_the_check_of_grade_knows_every_library_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {line.split(">")[0] for line in project["optional-dependencies"]["classroom"]}
    assert {"yaml" if name == "pyyaml" else name for name in names} == set(LIBRARIES)
