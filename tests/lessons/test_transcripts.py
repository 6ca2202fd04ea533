"""Every console block of the pages: its commands exist, and its programs print what it says."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable

import click
import pytest
import typer.main

from bootcamp import paths
from bootcamp.authoring.pages import course_pages
from bootcamp.authoring.transcripts import Step, masked, steps
from bootcamp.cli.main import build
from bootcamp.errors import BootcampError

STEPS = [
    pytest.param(step, id=f"{block.place} {step.command}")
    for page in course_pages()
    for block in page.blocks("console")
    for step in steps(block.text)
]
PROGRAMS = [one for one in STEPS if isinstance(one.values[0], Step) and one.values[0].is_program]
SHELL = {"cd", "source"}
"""Words that the shell itself understands."""


def bootcamp_commands() -> set[str]:
    group = typer.main.get_command(build())
    return set(group.list_commands(click.Context(group)))  # type: ignore[attr-defined,arg-type]


def make_targets() -> set[str]:
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("step", STEPS)
def test_command_exists(step: Step) -> None:
    name, *arguments = shlex.split(step.command, comments=True)
    match name.removeprefix(".venv/bin/"):
        case "bootcamp":
            assert arguments[0] in bootcamp_commands()
        case "make":
            assert arguments[0] in make_targets()
        case "python" if not arguments[0].startswith("-"):
            assert (paths.ROOT / arguments[0]).is_file()
        case "jupyter":
            assert arguments[0] == "lab"
        case "python" | "pytest" | "celery":
            pass
        case other:
            assert other in SHELL or shutil.which(other)


@pytest.mark.parametrize("step", PROGRAMS)
def test_program_prints_what_the_page_says(step: Step, output_of: Callable[[str], str]) -> None:
    assert masked(output_of(step.command)) == masked(step.output)


def test_only_what_varies_is_masked() -> None:
    assert (
        masked("slots: 1, time: 4.1 s")
        == masked("slots: 1, time: 4.0 s")
        != masked("slots: 2, time: 4.0 s")
    )
    assert masked("~5 runs") == masked("~68 runs")
    assert masked("5 runs") != masked("6 runs")


def test_rerun_keeps_the_old_text_where_only_numbers_moved() -> None:
    step = Step("python lessons/program.py", "took 1.0 s\n")
    assert step.rerun(lambda _: "took 1.2 s\n") == step
    assert step.rerun(lambda _: "failed\n").output == "failed\n"
    assert Step("make test", "").rerun(lambda _: "never asked").output == ""


def test_a_console_block_begins_with_a_command() -> None:
    with pytest.raises(BootcampError):
        steps("took 1.0 s\n$ make test\n")
