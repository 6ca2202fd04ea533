"""The packages of the course (its rooms) import in one direction."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from bootcamp import paths

TOPS = ("autograder", "bootcamp")


@cache
def modules() -> dict[str, Path]:
    """Every module of ours, by its dotted name; a package by its own."""
    found = {}
    for path in (path for top in TOPS for path in (paths.ROOT / top).rglob("*.py")):
        parts = path.relative_to(paths.ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of ours that a module imports, also inside of functions."""
    return frozenset(_imports(ast.parse(modules()[module].read_text(encoding="utf-8"))))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in modules():
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in modules() else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules())


def room(module: str) -> str:
    """The package that a module lies in; a module beside the rooms stands for itself."""
    if modules()[module].name == "__init__.py":
        return module
    package = module.rpartition(".")[0]
    return module if package in TOPS else package


def test_bootcamp_imports_the_graders_only_in_its_command_line() -> None:
    wrong = [
        f"{module} imports {other}"
        for module in modules()
        for other in imports(module)
        if module.startswith("bootcamp.") and other.startswith("autograder")
        if not module.startswith("bootcamp.cli.")
    ]
    assert wrong == []


def test_no_package_imports_another_that_imports_it_back() -> None:
    graph: dict[str, set[str]] = {}
    for module in modules():
        own = room(module)
        graph.setdefault(own, set()).update(set(map(room, imports(module))) - {own})
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the cycle


def test_few_modules_lie_beside_the_rooms_of_bootcamp() -> None:
    beside = {path.name for path in (paths.ROOT / "bootcamp").glob("*.py")}
    plain = {"bounds.py", "environment.py", "errors.py", "files.py", "paths.py", "ports.py"}
    assert beside <= {"__init__.py", "__main__.py", *plain}


@pytest.mark.parametrize("top", TOPS)
def test_no_module_is_named_like_one_of_the_standard_library(top: str) -> None:
    names = {path.stem for path in (paths.ROOT / top).rglob("*.py")}
    assert not names & sys.stdlib_module_names


def test_graders_import_nothing_of_ours_but_the_sdk_and_their_own_week() -> None:
    wrong = [
        f"{module} imports {other}"
        for module in modules()
        if module.startswith("autograder.week")
        for other in imports(module)
        if room(other) not in ("autograder.sdk", room(module))
    ]
    assert wrong == []
