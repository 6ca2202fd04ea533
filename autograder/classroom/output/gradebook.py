"""Homework points into an nbgrader gradebook, beside the points of the notebooks."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autograder.classroom.intake.names import cell, shown
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.summary import Grade, Status
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError

NOTEBOOK = "homework"
"""nbgrader files cells under a notebook; this one stands for the homework."""
COURSE_ID = "async_ai_bootcamp"


def assignment_name(week: Week) -> str:
    """The homework's assignment. Not the notebook's: nbgrader would take our cells for leftovers."""
    return f"{week.name}_homework"


def write_gradebook(
    path: Path, week: Week, manifest: Manifest, policy: Policy, grades: Iterable[Grade]
) -> None:
    """Put each recorded grade into the gradebook at `path`, in place of an earlier one.

    A student without a recorded grade has no submission there: blank, not zero.

    Raises:
        BootcampError: the gradebook cannot be written.
    """
    from nbgrader.api import Gradebook  # takes a second
    from sqlalchemy.exc import SQLAlchemyError

    name = assignment_name(week)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _alembic(), _quiet(), Gradebook(f"sqlite:///{path.resolve()}", COURSE_ID) as book:
            due = policy.due_moment
            book.update_or_create_assignment(
                name, duedate=due.replace(tzinfo=None) if due else None
            )
            book.update_or_create_notebook(NOTEBOOK, name)
            for item in manifest.items:
                if item.is_first_green:  # it has no points to record
                    continue
                most = 0.0 if item.id in policy.extra_items else item.points
                book.update_or_create_grade_cell(
                    item.id, NOTEBOOK, name, max_score=most, cell_type="code"
                )
            for grade in grades:
                _write(book, name, policy, grade)
    except (SQLAlchemyError, ValueError, OSError) as error:
        raise BootcampError(
            f"Cannot write the gradebook {path}: {error}",
            "Check that it is an nbgrader gradebook, and that no nbgrader is writing to it now.",
        ) from error


def _write(book: object, name: str, policy: Policy, grade: Grade) -> None:
    """One student's submission, points and penalty."""
    from nbgrader.api import Gradebook, MissingEntry

    assert isinstance(book, Gradebook)
    student = grade.student
    # nbgrader's own CSV export does not quote: a comma in a name would move every cell.
    person = str(cell(shown(student.name))).replace(",", " ")
    email = str(cell(shown(student.email))).replace(",", " ")
    book.update_or_create_student(student.id, last_name=person, first_name="", email=email)
    if grade.status is Status.UNREAD:
        return  # what an earlier run has recorded stays
    if grade.final is None:
        with suppress(MissingEntry):
            book.remove_submission(name, student.id)
        return
    when = f"{grade.submitted:%Y-%m-%d %H:%M:%S} UTC" if grade.submitted else None
    submission = book.update_or_create_submission(name, student.id, timestamp=when)
    scores = {one.id: one.score for one in grade.record.items} if grade.record else {}
    by_hand = {one.id: one for one in grade.remarks if one.changed}
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = grade.penalty
        for number, one in enumerate(sorted(notebook.grades, key=lambda one: str(one.name))):
            extra = one.name in policy.extra_items
            earned = scores.get(one.name, 0.0)
            changed = None if extra else by_hand.get(one.name)
            one.auto_score = 0.0 if extra else changed.automatic if changed else earned
            one.manual_score = changed.score if changed else None
            bonus = student.bonus if number == 0 else 0.0
            one.extra_credit = (earned if extra else 0.0) + bonus
            one.needs_manual_grade = False
    book.db.commit()


@contextmanager
def _quiet() -> Iterator[None]:
    """Nbgrader adds to a session in an order that SQLAlchemy warns of; nothing is lost by it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Object of type .* not in session")
        yield


@contextmanager
def _alembic() -> Iterator[None]:
    """Let nbgrader find `alembic`, which it calls its name: it stands next to this Python."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
