"""The rules by which weeks add up: who owns a module, and who may import whom."""

import ast
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from bootcamp.course.layers import WIRING_FILE, pythonpath, reference_layers
from bootcamp.course.weeks import all_weeks, weeks_through
from bootcamp.files import files_in

IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
NOWHERE = "127.0.0.1:9"
"""The discard port: a module that talks to a service when it is imported fails here."""


def module_name(file: Path) -> str:
    return ".".join(file.with_suffix("").parts)


def modules_of(week) -> dict[str, Path]:
    return {module_name(f): f for f in files_in(week.solutions) if f.suffix == ".py"}


def imports_of(path: Path) -> set[str]:
    """Every `pipeline…` name that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides the layer"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.split(".")[0] == "pipeline"}


def test_no_file_but_the_wiring_stands_in_two_weeks():
    owners = defaultdict(list)
    for week in all_weeks():
        for file in files_in(week.solutions):
            owners[file].append(week.name)
    twice = {str(file): weeks for file, weeks in owners.items() if len(weeks) > 1}
    twice.pop(str(WIRING_FILE), None)
    assert twice == {}


def test_pipeline_is_a_namespace_package_everywhere():
    for week in all_weeks():
        assert not list((week.solutions / "pipeline").rglob("__init__.py"))
        assert not list((week.exercises / "pipeline").rglob("__init__.py"))


def test_no_module_is_a_folder_in_another_week():
    """A file `parse.py` beside another week's folder `parse/` would hide that folder."""
    files = {file.with_suffix("") for week in all_weeks() for file in modules_of(week).values()}
    folders = {
        parent
        for week in all_weeks()
        for file in files_in(week.solutions)
        for parent in file.parents
    }
    assert not files & folders


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_a_module_imports_from_its_own_and_earlier_weeks_alone(week):
    reachable = {name for one in weeks_through(week) for name in modules_of(one)}
    packages = {name.rsplit(".", n)[0] for name in reachable for n in range(1, name.count(".") + 1)}
    for name, file in modules_of(week).items():
        for imported in imports_of(week.solutions / file):
            parent = imported.rpartition(".")[0]
            known = imported in reachable | packages or parent in reachable
            assert known, f"{name} imports {imported}, which is in no week up to {week.number}"


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_the_modules_of_a_week_import_on_its_own_layers_without_any_service(week):
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": pythonpath(reference_layers(week)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REDIS_URL": f"redis://{NOWHERE}",
        "DATABASE_URL": f"postgresql://nobody@{NOWHERE}/none",
        "AWS_ENDPOINT_URL": f"http://{NOWHERE}",
        "OPENAI_BASE_URL": f"http://{NOWHERE}/v1",
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules_of(week)],
        env=settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_later_week_wins_with_the_wiring_file(tmp_path):
    owners = [week for week in all_weeks() if (week.solutions / WIRING_FILE).is_file()]
    newest = owners[-1]
    script = "import pipeline.wiring as wiring; print(wiring.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": pythonpath(reference_layers(all_weeks()[-1]))},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(done.stdout.strip()) == newest.solutions / WIRING_FILE
