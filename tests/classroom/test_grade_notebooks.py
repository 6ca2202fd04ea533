"""`bootcamp grade --notebooks`: nbgrader runs notebooks of a class, each kernel in a sandbox."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.sandbox import network
from autograder.sandbox.tiers import Tier, strongest
from bootcamp.course.weeks import find_week

pytestmark = pytest.mark.long  # nbgrader starts a kernel for each submission

WEEK = find_week("1")
FIRM = strongest() is Tier.BUBBLEWRAP and network.is_possible()
needs_sandbox = pytest.mark.skipif(
    not FIRM and not os.environ.get("CI"), reason="needs bubblewrap and user namespaces"
)
DEADLINE = 300.0
SECRET = "BOOTCAMP_SECRET_OF_THE_INSTRUCTOR"


def bootcamp(state: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootcamp", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "BOOTCAMP_STATE": str(state), **env},
    )


def notebook() -> NotebookNode:
    return nbformat.read(WEEK.graded_notebook, as_version=4)


def hand_in(folder: Path, one: NotebookNode) -> None:
    folder.mkdir(parents=True)
    nbformat.write(one, folder / "check.ipynb")


def blank() -> NotebookNode:
    """Every answer is empty."""
    one = notebook()
    for cell in one.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = ""
    return one


def hostile(secret: Path) -> NotebookNode:
    """Reads what the instructor has, calls out, writes where it must not, and never ends."""
    one = notebook()
    answers = [cell for cell in one.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    answers[0].source += f"""
import os, pathlib, socket
found = []
try:
    found.append(pathlib.Path({str(secret)!r}).read_text())
except OSError:
    pass
try:
    pathlib.Path({str(secret)!r}).write_text("changed")
except OSError:
    pass
found += [name for name in os.environ if "SECRET" in name]
try:
    socket.create_connection(("192.0.2.1", 80), 2)
    found.append("network")
except OSError:
    pass
print("FOUND", found)
"""
    answers[-1].source = "while True:\n    pass"
    return one


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A class of six, graded once."""
    folder = tmp_path_factory.mktemp("notebooks")
    secret = folder / "secret.txt"
    secret.write_text("the instructor's")
    secret.chmod(0o600)
    class_ = folder / "class"
    hand_in(class_ / "anna" / "notebooks" / WEEK.name, notebook())
    hand_in(class_ / "ben", blank())
    hand_in(class_ / "carl", hostile(secret))
    other = nbformat.read(find_week("2").graded_notebook, as_version=4)
    hand_in(class_ / "dora", other)
    (class_ / "emil").mkdir()
    (class_ / "emil" / "check.ipynb").write_text("no JSON")
    with zipfile.ZipFile(class_ / "fay.zip", "w") as archive:
        archive.writestr("check.ipynb", nbformat.writes(notebook()))
    words = ["grade", str(class_), "--week", "1", "--out", str(folder / "out"), "--notebooks"]
    done = bootcamp(folder / "state", *words, **{SECRET: "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, words, done


def students(folder: Path) -> dict[str, Any]:
    known = json.loads((folder / "out" / "notebooks.json").read_text())
    return {one["id"]: one for one in known["students"]}


@needs_sandbox
def test_points_and_refusals(graded: Any) -> None:
    found = students(graded[0])
    most = found["anna"]["max_score"]
    assert most == 20
    assert found["anna"]["score"] == found["fay"]["score"] == most
    assert found["ben"]["score"] == 0
    assert found["dora"]["status"] == found["emil"]["status"] == "refused"
    assert found["dora"]["score"] is None
    assert "not the notebook of week01" in found["dora"]["reason"]


@needs_sandbox
def test_a_hostile_notebook_finds_nothing_and_loses_the_endless_cell_alone(graded: Any) -> None:
    folder = graded[0]
    assert (folder / "secret.txt").read_text() == "the instructor's"
    carl = students(folder)["carl"]
    cells = carl["cells"]
    assert [points for points in cells.values() if points == 0] == [0], cells
    ran = (folder / "out" / "autograded" / "carl" / WEEK.name / "check.ipynb").read_text()
    assert "FOUND []" in ran


@needs_sandbox
def test_the_tables_and_the_feedback_are_there(graded: Any) -> None:
    out = graded[0] / "out"
    with (out / "notebooks.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert float(rows["anna"][WEEK.name]) == 20
    assert rows["emil"][WEEK.name] == ""
    assert (out / "feedback" / "anna" / WEEK.name / "check.html").is_file()
    assert "anna  graded  20/20" in graded[2].stdout


@needs_sandbox
def test_the_next_run_grades_only_what_is_new(graded: Any) -> None:
    folder, words, _ = graded
    shutil.rmtree(folder / "class" / "ben")
    hand_in(folder / "class" / "ben", notebook())
    before = (folder / "out" / "autograded" / "anna" / WEEK.name / "check.ipynb").stat().st_mtime_ns
    done = bootcamp(folder / "state", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 keep the result they have." in done.stdout
    assert students(folder)["ben"]["score"] == 20
    after = (folder / "out" / "autograded" / "anna" / WEEK.name / "check.ipynb").stat().st_mtime_ns
    assert after == before


@needs_sandbox
def test_nbgraders_own_commands_have_our_settings(graded: Any) -> None:
    out = graded[0] / "out"
    words = [sys.executable, "-m", "nbgrader", "generate_feedback", WEEK.name, "--force"]
    done = subprocess.run(words, cwd=out, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (out / "feedback" / "ben" / WEEK.name / "check.html").read_text(encoding="utf-8")
    assert "BEGIN HIDDEN TESTS" not in page
    assert "More tests ran here" in page


def test_a_week_and_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    hand_in(tmp_path / "class" / "anna", notebook())
    words = [
        "grade",
        str(tmp_path / "class"),
        "-w",
        "1",
        "-o",
        str(tmp_path / "out"),
        "--notebooks",
    ]
    done = bootcamp(tmp_path / "state", *words, "--similarity", "--allow-unsandboxed")
    assert done.returncode == 2
    assert "--notebooks works without" in done.stderr
