"""Submissions and results to try the classroom on."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autograder.classroom.execution.fingerprint import versions
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.execution.records import ItemRecord, Key, Record, Why
from autograder.classroom.intake.roster import Student
from autograder.classroom.policy.late import LateRules, Policy
from autograder.classroom.policy.summary import Grade, grade_of
from bootcamp.course.manifest import Manifest, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week

DUE = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
POLICY = Policy(due=DUE, late=LateRules(percent_per_day=10), extra_items=("1.5",))
EVIL = '</dd><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[2J\u202e" onload="x'
"""What a student may write anywhere, to be run by a page, a spreadsheet or a terminal."""


@pytest.fixture(scope="session")
def week() -> Week:
    return find_week("1")


@pytest.fixture(scope="session")
def manifest(week: Week) -> Manifest:
    return load_manifest(week)


@pytest.fixture(scope="session")
def homework(week: Week, manifest: Manifest) -> dict[str, bytes]:
    """The reference's homework files."""
    return {str(file): (week.solutions / file).read_bytes() for file in manifest.files}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of files."""

    def make(name: str, files: dict[str, bytes | str]) -> Path:
        for path, content in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return make


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Make a zip archive of names (or ZipInfos) and contents."""

    def make(name: str, files: dict[str | zipfile.ZipInfo, bytes]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry, content in files.items():
                packed.writestr(entry, content)
        return path

    return make


@pytest.fixture
def record(week: Week, manifest: Manifest) -> Callable[..., Record]:
    """Make a record: every item passed, but for the given outcomes."""

    def make(
        student: str = "anna",
        outcomes: dict[str, Outcome] | None = None,
        text: str = "it came back wrong",
        *,
        seed: int = 4711,
        submission: str = "files",
        graders: str = "graders",
    ) -> Record:
        items = []
        for item in manifest.items:
            outcome = (outcomes or {}).get(item.id, Outcome.PASSED)
            why = Why(rows=(("came back", text),), log=(text,))
            items.append(
                ItemRecord(
                    id=item.id,
                    title=item.title,
                    outcome=outcome,
                    score=item.points if outcome is Outcome.PASSED else 0,
                    max_score=item.points,
                    seconds=1.5,
                    why=None if outcome is Outcome.PASSED else why,
                    graders=graders,
                )
            )
        return Record(
            student=student,
            week=week.name,
            key=Key(submission=submission, seed=seed),
            items=tuple(items),
            sandbox="none",
            versions=versions(),
            seconds=7.5,
            graded_at=datetime(2026, 11, 20, tzinfo=UTC),
        )

    return make


@pytest.fixture
def answers(record: Callable[..., Record]) -> Callable[..., RunJobs]:
    """Make a pool that runs no grader: every item passes, but for the given outcomes by student."""

    def make(
        outcomes: Mapping[str, Mapping[str, Outcome]] | None = None, graded: list[str] | None = None
    ) -> RunJobs:
        def run(jobs: Iterable[Job], processes: int) -> Generator[tuple[Job, Answer], None, None]:
            for job in jobs:
                if graded is not None:
                    graded.append(job.student)
                made = record(job.student, dict((outcomes or {}).get(job.student, {})))
                items = tuple(one for one in made.items if one.id in job.items)
                yield job, Answer(items, "none", 1.5)

        return run

    return make


@pytest.fixture
def grades(record: Callable[..., Record], manifest: Manifest) -> tuple[Grade, ...]:
    """A small class: full marks with extra, a partial and late one, refused, missing, broken."""

    def grade(student: Student, **facts: object) -> Grade:
        return grade_of(student, POLICY, manifest, **{"handed_in": True, **facts})  # type: ignore[arg-type]

    failed = record("ben", {"1.3": Outcome.FAILED, "1.5": Outcome.SKIPPED}, EVIL)
    broken = record("emil", {"1.4": Outcome.GRADER_ERROR})
    late = DUE + timedelta(days=1, hours=1)
    return (
        grade(Student("anna", "Anna", bonus=1.0), record=record(), submitted=DUE),
        grade(Student("ben", EVIL, section="=1+1"), record=failed, submitted=late, notes=(EVIL,)),
        grade(Student("=cmd|' /C calc'!A0"), refused=EVIL),
        grade(Student("dora", "Dora"), handed_in=False),
        grade(Student("emil"), record=broken, submitted=DUE),
    )
