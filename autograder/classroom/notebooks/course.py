"""The nbgrader course in the output folder: its source, what students handed in, and the kernel."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat

from autograder.classroom.intake.notebooks import NOTEBOOK
from autograder.classroom.intake.trees import Refused
from bootcamp import paths
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError
from bootcamp.files import write_atomic

KERNEL = "python3"
"""The name of the kernel in every graded notebook."""
NOT_A_NOTEBOOK = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What nbformat raises for content that is no notebook; its own errors are ValueErrors."""


class Course:
    """The folders that nbgrader expects, below one folder.

    Args:
        folder: the output folder of the command.

    Raises:
        UsageError: the week has no graded notebook.
    """

    def __init__(self, folder: Path, week: Week) -> None:
        if not week.graded_notebook.is_file():
            raise UsageError(f"{week} has no graded notebook.")
        self.folder = folder.resolve()
        self.week = week

    @property
    def gradebook(self) -> Path:
        """Where the gradebook is unless the command names another one."""
        return self.folder / "gradebook.db"

    def write_source(self) -> None:
        """Copy the notebook with its solutions and hidden tests."""
        target = self.folder / "source" / self.week.name / NOTEBOOK.name
        write_atomic(target, self.week.graded_notebook.read_bytes())

    def write_settings(self, gradebook: Path) -> None:
        """Write `nbgrader_config.py`: nbgrader's own commands in this folder have our settings, such
        as feedback that hides the tests.
        """
        lines = [
            f'load_subconfig("nbgrader_config.py", path={str(paths.NOTEBOOKS)!r})',
            "c = get_config()",
            f"c.CourseDirectory.root = {str(self.folder)!r}",
            f"c.CourseDirectory.db_url = {f'sqlite:///{gradebook.resolve()}'!r}",
        ]
        write_atomic(self.folder / "nbgrader_config.py", "\n".join([*lines, ""]).encode())

    def write_kernel(self) -> Path:
        """Write the kernelspec that starts kernels in a sandbox. Returns the Jupyter data folder."""
        argv = [sys.executable, "-m", "autograder.classroom.notebooks.kernel", "{connection_file}"]
        # An endless cell is interrupted by a message: a signal would end the sandbox as a whole.
        spec = {"argv": argv, "display_name": KERNEL, "language": "python"}
        text = json.dumps(spec | {"interrupt_mode": "message"})
        data = self.folder / "jupyter"
        write_atomic(data / "kernels" / KERNEL / "kernel.json", text.encode())
        return data

    def submitted(self, student: str) -> Path:
        """The folder of a student's submission."""
        return self.folder / "submitted" / student / self.week.name

    def hand_in(self, student: str, content: bytes, moment: datetime | None) -> None:
        """Store a submission in place of an earlier one.

        Raises:
            Refused: it is no notebook, or the notebook of another week.
        """
        notebook = read(content, self.week)
        folder = self.submitted(student)
        shutil.rmtree(folder, ignore_errors=True)
        text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
        write_atomic(folder / NOTEBOOK.name, text.encode("utf-8", "replace"))
        if moment:
            write_atomic(folder / "timestamp.txt", f"{moment:%Y-%m-%d %H:%M:%S} UTC\n".encode())

    def withdraw(self, student: str) -> None:
        """Remove the submission of a student, where there is one."""
        shutil.rmtree(self.submitted(student), ignore_errors=True)


def read(content: bytes, week: Week) -> Any:
    """Read a student's notebook. Its kernel and other metadata are those of the course.

    Raises:
        Refused: it is no notebook, or the notebook of another week.
    """
    ours = nbformat.read(week.graded_notebook, as_version=4)  # type: ignore[no-untyped-call]
    try:
        text = content.decode("utf-8-sig")
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
        found = {_grade_id(cell) for cell in notebook.cells}
    except (*NOT_A_NOTEBOOK, nbformat.ValidationError) as error:
        raise Refused(f"{NOTEBOOK} is no Jupyter notebook: {error}") from None
    wanted = {grade_id for cell in ours.cells if (grade_id := _grade_id(cell))}
    if len(found & wanted) < len(wanted) / 2:  # cells that were deleted are added again
        raise Refused(f"{NOTEBOOK} is not the notebook of {week}: it has other questions")
    notebook.metadata = ours.metadata
    return notebook


def _grade_id(cell: Any) -> str | None:
    marks = cell.metadata.get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None
