"""Grades the notebooks of a class one after the other, and keeps each result."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.classroom.intake.names import file_stem
from autograder.classroom.notebooks.autograde import Order, nbgrader
from autograder.classroom.notebooks.course import Course
from autograder.classroom.notebooks.kernel import TIER
from autograder.sandbox.tiers import Tier
from bootcamp import environment
from bootcamp.errors import BootcampError
from bootcamp.files import write_atomic
from bootcamp.stack.state import read_json

MAX_SECONDS = 600.0
"""A notebook that takes longer is stopped: its cells have far lower limits."""


@dataclass(frozen=True)
class Score:
    """The points of a notebook by the gradebook."""

    score: float
    max_score: float
    by_hand: int
    """Cells that a person has to grade: they count 0 until then."""
    cells: Mapping[str, float]
    """Points by cell."""


@dataclass(frozen=True)
class Graded:
    """A notebook that nbgrader has run. `problem` says why there are no points."""

    student: str
    problem: str = ""


def prepare(course: Course, gradebook: Path) -> None:
    """Add the assignment to the gradebook, and write the release version.

    Raises:
        BootcampError: nbgrader cannot do that.
    """
    course.write_source()
    course.write_settings(gradebook)
    gradebook.parent.mkdir(parents=True, exist_ok=True)
    order = Order(str(course.folder), str(gradebook.resolve()), course.week.name, "")
    made = nbgrader(order).generate_assignment(course.week.name)
    if not made["success"]:
        raise BootcampError(
            f"nbgrader cannot use the gradebook {gradebook}: {made.get('error') or made.get('log')}",
            "Check that it is an nbgrader gradebook, and that no nbgrader is writing to it now.",
        )


def pending(course: Course, students: Mapping[str, bytes], again: frozenset[str]) -> list[str]:
    """The students whose notebook has no result yet, has changed, or is to be graded again."""
    return [
        student
        for student, content in students.items()
        if student in again or _kept(course, student).get("sha256") != digest(course, content)
    ]


def digest(course: Course, content: bytes) -> str:
    """What a result depends on: the submission and the course's own notebook."""
    ours = course.week.graded_notebook.read_bytes()
    return hashlib.sha256(hashlib.sha256(ours).digest() + content).hexdigest()


def grade(
    course: Course, gradebook: Path, students: Mapping[str, bytes], tier: Tier
) -> Iterator[Graded]:
    """Run each notebook, and write its points and its feedback. Yields each as it is done."""
    data = course.write_kernel()
    for student, content in students.items():
        order = Order(str(course.folder), str(gradebook.resolve()), course.week.name, student)
        done = Graded(student, _run(order, data, tier))
        if not done.problem:
            result = {"sha256": digest(course, content)}
            write_atomic(_result(course, student), json.dumps(result).encode())
        yield done


def scores(gradebook: Path, week: str, students: list[str]) -> dict[str, Score]:
    """The points that the gradebook has for these students. Those without a submission are left out."""
    from nbgrader.api import Gradebook, MissingEntry  # takes a second

    found = {}
    with Gradebook(f"sqlite:///{gradebook.resolve()}") as book:
        for student in students:
            with suppress(MissingEntry):
                one = book.find_submission(week, student)
                cells = {cell.name: cell for notebook in one.notebooks for cell in notebook.grades}
                found[student] = Score(
                    one.score,
                    one.max_score,
                    sum(cell.needs_manual_grade for cell in cells.values()),
                    {name: cell.score for name, cell in cells.items()},
                )
    return found


def _run(order: Order, data: Path, tier: Tier) -> str:
    """Grade one notebook in a process of its own. Returns what went wrong, or ""."""
    with tempfile.TemporaryDirectory(prefix="bootcamp-notebook-") as name:
        home, runtime = Path(name, "home"), Path(name, "runtime")
        home.mkdir()
        runtime.mkdir()
        words = ["-m", "autograder.classroom.notebooks.autograde", json.dumps(asdict(order))]
        try:
            done = subprocess.run(
                [sys.executable, *words],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=MAX_SECONDS,
                env=_environment(home, runtime, data, tier),
            )
        except subprocess.TimeoutExpired:
            return f"it took more than {MAX_SECONDS:g} s"
    lines = done.stdout.strip().splitlines()
    try:
        return str(json.loads(lines[-1])["problem"])
    except (IndexError, ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return f"nbgrader ended with exit code {done.returncode}: {last}"


def _environment(home: Path, runtime: Path, data: Path, tier: Tier) -> dict[str, str]:
    """What nbgrader and the kernel get: nothing of the shell that could carry a secret."""
    return environment.built({"PATH": os.environ.get("PATH", os.defpath)}) | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "LANG": "C.UTF-8",
        "MPLCONFIGDIR": str(home),
        "JUPYTER_PATH": str(data),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_PLATFORM_DIRS": "1",
        TIER: tier.value,
    }


def _result(course: Course, student: str) -> Path:
    return course.folder / "results" / f"{course.week.name}.{file_stem(student)}.json"


def _kept(course: Course, student: str) -> dict[str, object]:
    return read_json(_result(course, student)) or {}


def remove_result(course: Course, student: str) -> None:
    """Remove what nbgrader has made of a submission that is gone."""
    for kind in ("autograded", "feedback"):
        shutil.rmtree(course.folder / kind / student / course.week.name, ignore_errors=True)
    _result(course, student).unlink(missing_ok=True)
