"""Every graded notebook: well formed, fair to right answers, and firm with wrong ones.

Here the notebooks run in this process, in milliseconds. `test_nbgrader_course.py` puts them through
nbgrader itself and holds its scores against the same expectations.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from bootcamp.course.weeks import Week, all_weeks

HERE = Path(__file__).parent
LEVELS = ["Know", "Understand", "Apply", "Analyse", "Create"]
WEEKS = [week for week in all_weeks() if week.graded_notebook.exists()]
each_week = pytest.mark.parametrize("week", WEEKS, ids=str)


@dataclass(frozen=True)
class Answer:
    """One answer from `weekNN_wrong.toml`."""

    week: Week
    wrong: bool
    question: str
    story: str
    code: str
    says: str = ""


def answers(week: Week) -> list[Answer]:
    table = tomllib.loads((HERE / f"week{week.number:02}_wrong.toml").read_text(encoding="utf-8"))
    return [
        Answer(week, kind == "wrong", **entry)
        for kind in ("wrong", "unlike")
        for entry in table.get(kind, [])
    ]


ANSWERS = [answer for week in WEEKS for answer in answers(week)]


def read(week: Week) -> NotebookNode:
    return nbformat.read(week.graded_notebook, as_version=4)


def marks(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's metadata of a cell; empty where nbgrader leaves the cell alone."""
    return cell.metadata.get("nbgrader", {})


def is_manual(cell: NotebookNode) -> bool:
    """Return whether a person grades the cell: it is the answer and has the points itself."""
    return bool(marks(cell).get("grade") and marks(cell).get("solution"))


def manual_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if is_manual(cell)]


def questions(notebook: NotebookNode) -> list[str]:
    """List the answer cells that a test grades."""
    cells = notebook.cells
    return [cell.id for cell in cells if marks(cell).get("solution") and not is_manual(cell)]


def graded_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    cells = notebook.cells
    return {cell.id: cell for cell in cells if marks(cell).get("grade") and not is_manual(cell)}


def points(notebook: NotebookNode) -> dict[str, float]:
    return {name: float(marks(cell)["points"]) for name, cell in graded_cells(notebook).items()}


def scores(notebook: NotebookNode) -> tuple[dict[str, float], dict[str, str]]:
    """Run cell after cell, errors allowed, as nbgrader does. Returns points and errors by test."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    earned, errors = {}, {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        failure, noise = "", io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(noise):
            try:
                exec(compile(cell.source, cell.id, "exec", dont_inherit=True), namespace)  # noqa: S102
            except Exception as error:
                failure = f"{type(error).__name__}: {error}"
        assert not noise.getvalue(), f"{cell.id} writes to stderr: {noise.getvalue()}"
        if marks(cell).get("grade"):
            earned[cell.id] = 0.0 if failure else float(marks(cell)["points"])
            errors[cell.id] = failure
    return earned, errors


@each_week
def test_is_stripped_and_stable(week: Week) -> None:
    notebook = read(week)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]+", cell.id), f"{cell.id!r}: an id that says something"
        assert not marks(cell) or marks(cell)["grade_id"] == cell.id
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, f"{cell.id} holds output"


@each_week
def test_nothing_but_the_notebook_is_in_the_folder(week: Week) -> None:
    """nbgrader would hand out every other file in there."""
    assert [path.name for path in week.graded_notebook.parent.iterdir()] == ["check.ipynb"]


@each_week
def test_has_five_levels_and_states_its_points(week: Week) -> None:
    notebook = read(week)
    headings = [cell.source for cell in notebook.cells if cell.source.startswith("## ")]
    assert [head[3:] for head in headings if head[3:] in LEVELS] == LEVELS
    stated = re.search(r"\*\*(\d+) points?\.\*\*", notebook.cells[0].source)
    assert stated, "the first cell states the points: **20 points.**"
    by_hand = sum(float(marks(cell)["points"]) for cell in manual_cells(notebook))
    assert float(stated[1]) == sum(points(notebook).values()) + by_hand


@each_week
def test_every_answer_is_followed_by_a_test_that_can_fail(week: Week) -> None:
    """A test cell without an assertion gives full points to everybody."""
    notebook = read(week)
    assert list(points(notebook)) == [f"{question}-test" for question in questions(notebook)]
    for name, cell in graded_cells(notebook).items():
        assert marks(cell)["locked"] and marks(cell)["points"] > 0
        shown, begin, hidden = cell.source.partition("### BEGIN HIDDEN TESTS")
        assert begin and cell.source.count("### END HIDDEN TESTS") == 1, f"{name}: no hidden tests"
        for part in (shown, hidden):
            found = [node for node in ast.walk(ast.parse(part)) if isinstance(node, ast.Assert)]
            assert found, f"{name}: a part without an assertion"
            assert all(node.msg for node in found), f"{name}: an assertion that does not say why"
    for cell in notebook.cells:
        if marks(cell).get("solution"):
            assert "### BEGIN SOLUTION" in cell.source and "### END SOLUTION" in cell.source


@each_week
def test_a_short_answer_comes_after_its_rubric(week: Week) -> None:
    """The rubric is in the question: four levels, from all points down to none."""
    cells = read(week).cells
    for number, cell in enumerate(cells):
        if is_manual(cell):
            assert cell.cell_type == "markdown" and not marks(cell)["locked"]
            levels = re.findall(r"^\| (\d+) \|", cells[number - 1].source, re.MULTILINE)
            assert len(levels) == 4 and levels[-1] == "0"
            assert float(levels[0]) == marks(cell)["points"]


@each_week
def test_the_reference_gets_full_marks_again_and_again(week: Week) -> None:
    notebook = read(week)
    for _ in range(5):  # inputs are random
        earned, errors = scores(notebook)
        assert earned == points(notebook), errors


@each_week
def test_every_question_has_a_wrong_answer_here(week: Week) -> None:
    tried = {answer.question for answer in ANSWERS if answer.week == week and answer.wrong}
    assert tried == set(questions(read(week)))


@pytest.mark.parametrize(
    "answer", ANSWERS, ids=lambda one: f"{one.week.number}-{one.question}-{one.story}"
)
def test_an_answer_costs_what_it_should(answer: Answer) -> None:
    notebook = read(answer.week)
    (cell,) = [cell for cell in notebook.cells if cell.id == answer.question]
    cell.source = answer.code
    expected = points(notebook)
    if answer.wrong:
        expected[f"{answer.question}-test"] = 0.0
    earned, errors = scores(notebook)
    assert earned == expected, errors
    assert answer.says in errors[f"{answer.question}-test"]
