"""The extras of pyproject.toml: what a student installs is enough for what a student runs."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bootcamp import paths
from bootcamp.course.weeks import all_weeks
from tests.layers.test_images import closure

PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MAKEFILE = (paths.ROOT / "bootcamp/authoring/student_edition/Makefile").read_text(encoding="utf-8")
FOR_INSTRUCTORS = {
    "bootcamp/authoring/pages.py": {"markdown-it-py"},
    "bootcamp/authoring/release.py": {"nbgrader", "traitlets"},
    "bootcamp/notebooks/nbgrader_feedback.py": {"nbgrader", "nbformat"},
}
"""Modules that come along in the student edition and that no student's command loads."""
STUDENTS = (
    "bootcamp",
    "autograder/run",
    "autograder/process",
    "autograder/sandbox",
    "autograder/sdk",
)


def of_extras(*names: str) -> list[Requirement]:
    texts = [*PROJECT["dependencies"], *(one for name in names for one in EXTRAS[name])]
    found = [Requirement(text) for text in texts]
    inner = [name for one in found if one.name == PROJECT["name"] for name in one.extras]
    ours = [one for one in found if one.name != PROJECT["name"]]
    return [*ours, *of_extras(*inner)] if inner else ours


def student_extras() -> list[str]:
    (line,) = re.findall(r"^EXTRAS := (.*)$", MAKEFILE, re.MULTILINE)
    return line.split(",")


def files_of_students() -> Iterable[Path]:
    for folder in STUDENTS:
        yield from (paths.ROOT / folder).rglob("*.py")
    for week in all_weeks():
        yield from week.solutions.rglob("*.py")
        yield from week.grader.glob("*.py")


@cache
def distributions_of_modules() -> Mapping[str, list[str]]:
    return (
        packages_distributions()
    )  # reads the records of all that is installed: a third of a second


def imported_in(path: Path) -> set[str]:
    distributions = distributions_of_modules()
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            found.update(distributions.get(name.split(".")[0], []))
    return {str(canonicalize_name(name)) for name in found} - {canonicalize_name(PROJECT["name"])}


def test_a_students_install_has_all_that_a_student_runs() -> None:
    installed = closure(of_extras(*student_extras()))
    missing = {
        name: path.relative_to(paths.ROOT).as_posix()
        for path in files_of_students()
        for name in imported_in(path) - installed
        if name not in FOR_INSTRUCTORS.get(path.relative_to(paths.ROOT).as_posix(), ())
    }
    assert missing == {}


@pytest.mark.parametrize("heavy", ["nbgrader", "copydetect", "mypy", "zensical"])
def test_a_students_install_is_spared_what_graders_and_tests_need(heavy: str) -> None:
    assert heavy not in closure(of_extras(*student_extras()))


def test_everything_that_an_extra_brings_is_locked() -> None:
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert closure(of_extras(*EXTRAS)) <= locked
