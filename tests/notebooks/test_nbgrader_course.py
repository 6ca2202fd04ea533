"""The graded notebooks through nbgrader: hand out, collect, grade, give feedback.

One course for all weeks; per week one student each with every answer, with none and with half. `make
test` has the first and the newest week, `make validate` all.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from bootcamp import paths
from bootcamp.course.weeks import Week, all_weeks

WEEKS = [week for week in all_weeks() if week.graded_notebook.exists()]
REFERENCE, BLANK, HALF = "reference", "blank", "half"
NOISE = 'import sys\nprint("a word on stderr", file=sys.stderr)\n'

pytestmark = [
    pytest.mark.long,  # nbgrader starts a kernel for each submission
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]


@dataclass
class Graded:
    """What nbgrader made of one week."""

    folder: Path
    release: NotebookNode
    source: NotebookNode
    scores: dict[str, dict[str, float]]
    feedback: dict[str, str]

    def points(self) -> dict[str, float]:
        """The points of the cells that nbgrader grades itself."""
        return {
            cell.id: float(cell.metadata.nbgrader.points)
            for cell in self.source.cells
            if cell.metadata.get("nbgrader", {}).get("grade") and not is_manual(cell)
        }


def is_manual(cell: NotebookNode) -> bool:
    """Return whether a person grades the cell: it is the answer and has the points itself."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade") and marks.get("solution"))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The project's own configuration, on a folder that goes away."""
    folder = tmp_path_factory.mktemp("course")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(paths.NOTEBOOKS)).load_config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    config.NbGraderAPI.log_level = "ERROR"
    shutil.copytree(paths.NOTEBOOKS / "source", folder / "source")
    return config


def succeed(result: dict[str, Any]) -> None:
    assert result["success"], f"{result.get('error')}\n{result.get('log')}"


def half_right(week: Week, notebook: NotebookNode) -> NotebookNode:
    """Every second question answered wrong, each with a word on stderr, which must cost nothing."""
    table = tomllib.loads((Path(__file__).parent / f"week{week.number:02}_wrong.toml").read_text())
    wrong = {entry["question"]: entry["code"] for entry in table["wrong"]}
    answers = [
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and not is_manual(cell)
    ]
    for number, cell in enumerate(answers):
        cell.source = NOISE + (wrong[cell.id] if number % 2 else cell.source)
    return notebook


def hand_in(folder: Path, week: Week, student: str, notebook: NotebookNode) -> None:
    target = folder / "submitted" / student / week.name / "check.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module", params=WEEKS, ids=str)
def graded(request: pytest.FixtureRequest, course: Config) -> Graded:
    from nbgrader.api import Gradebook  # a second of CPU time for every collection
    from nbgrader.apps.api import NbGraderAPI

    week, folder = request.param, Path(course.CourseDirectory.root)
    api = NbGraderAPI(config=course)
    succeed(api.generate_assignment(week.name))
    release = nbformat.read(folder / "release" / week.name / "check.ipynb", as_version=4)
    source = nbformat.read(week.graded_notebook, as_version=4)
    hand_in(folder, week, REFERENCE, source)
    hand_in(folder, week, BLANK, release)
    hand_in(folder, week, HALF, half_right(week, nbformat.from_dict(source)))
    scores, feedback = {}, {}
    for student in (REFERENCE, BLANK, HALF):
        succeed(api.autograde(week.name, student))
        succeed(api.generate_feedback(week.name, student))
        with Gradebook(course.CourseDirectory.db_url) as gradebook:
            (notebook,) = gradebook.find_submission(week.name, student).notebooks
            by_hand = {cell.id for cell in source.cells if is_manual(cell)}
            assert notebook.needs_manual_grade == bool(by_hand and student != BLANK)
            scores[student] = {
                grade.name: grade.score for grade in notebook.grades if grade.name not in by_hand
            }
        page = folder / "feedback" / student / week.name / "check.html"
        feedback[student] = page.read_text(encoding="utf-8")
    return Graded(
        folder, release, nbformat.read(week.graded_notebook, as_version=4), scores, feedback
    )


def regions(notebook: NotebookNode, name: str) -> list[str]:
    """The lines between the marks, each long enough to be told from chance."""
    found = [
        match
        for cell in notebook.cells
        for match in re.findall(f"### BEGIN {name}\n(.*?)### END {name}", cell.source, re.DOTALL)
    ]
    return [line.strip() for text in found for line in text.splitlines() if len(line.strip()) > 12]


def test_the_release_holds_no_answer_and_no_hidden_test(graded: Graded) -> None:
    handed_out = "\n".join(cell.source for cell in graded.release.cells)
    for name in ("SOLUTION", "HIDDEN TESTS"):
        assert name not in handed_out
        secret = regions(graded.source, name)
        assert secret
        shown = "\n".join(
            re.sub(r"### BEGIN (SOLUTION|HIDDEN TESTS).*?### END \1", "", cell.source, flags=re.S)
            for cell in graded.source.cells
        )
        leaked = [line for line in secret if line in handed_out and line not in shown]
        assert not leaked


def test_the_reference_gets_every_point(graded: Graded) -> None:
    assert graded.scores[REFERENCE] == graded.points()


def test_a_blank_notebook_gets_none(graded: Graded) -> None:
    assert graded.scores[BLANK] == dict.fromkeys(graded.points(), 0.0)


def test_half_right_gets_exactly_its_half_and_stderr_costs_nothing(graded: Graded) -> None:
    expected = {
        name: 0.0 if number % 2 else points
        for number, (name, points) in enumerate(graded.points().items())
    }
    assert graded.scores[HALF] == expected


def test_feedback_says_what_was_found_and_hides_the_tests(graded: Graded) -> None:
    page = graded.feedback[HALF]
    assert "More tests ran here" in page and "AssertionError" in page
    assert f"{sum(graded.scores[HALF].values())}" in page
    for student in (BLANK, HALF, REFERENCE):
        text = re.sub(r"<[^>]+>", "", graded.feedback[student])
        assert "HIDDEN TESTS" not in text
        assert "def hidden_test" not in text


def test_alembic_is_found_whatever_the_path_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    PyFileConfigLoader("nbgrader_config.py", path=str(paths.NOTEBOOKS)).load_config()
    assert shutil.which("alembic", path=os.environ["PATH"])
