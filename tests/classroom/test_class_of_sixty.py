"""A class of sixty, mixed from every shape of export, from submissions to exports without a grader."""

from __future__ import annotations

import csv
import io
import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.pool import RunJobs
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from tests.classroom.test_exported_submissions import flat, zipped
from tests.classroom.test_intake_git import git

STUDENTS = 60
SHAPES = (
    "{name}_{n}_assignsubmission_file/homework.zip",  # Moodle
    "{name}_{n}_assignsubmission_file_homework.zip",
    "{last}{first}_{n}_77{n}_homework.zip",  # Canvas
    "{last}{first}_LATE_{n}_77{n}_homework-2.zip",
    "Homework 1_{id}_attempt_2026-11-27-21-04-05_homework.zip",  # Blackboard
    "{n}-67890 - {name} - Nov 27, 2026 904 PM/homework.zip",  # Brightspace
    "{last}, {first}({id})/Submission attachment(s)/homework.zip",  # Sakai
    "{last}, {first}/homework.zip",
    "{id}/some/where/homework.zip",
    "{id}@example.org.zip",
    "loose {last}{first}_{n}_77{n}_",  # loose files, as Canvas has them
    "loose {name}_{n}_assignsubmission_file_",
    "loose {id}/week 1/",
    "windows {id}.zip",  # backslashes in the archive's names
    "mac {name}",  # NFD
    "repository {id}",
    "mapped final version ({n})",
    "group team {n}",
    "hostile {id}.zip",
    "missing",
)
"""Three students of each. The words in front are explained by `hand_in`."""
POLICY = """commit = "last_before_due"
due = 2099-11-27T23:59:00Z
[late]
percent_per_day = 10
free_days = 3
free_days_folder = "late_days"
"""
MAX_SECONDS = 120.0
"""For intake and exports together, on a busy machine."""


class Sixty:
    """Hands in for sixty students, and writes roster, mapping and policy."""

    def __init__(self, root: Path, folder: Callable[..., Path], homework: dict[str, bytes]) -> None:
        self.root, self.folder, self.homework = root, folder, homework
        self.roster: list[list[str]] = [
            ["id", "name", "email", "section", "group", "repository", "bonus"]
        ]
        self.mapping: list[list[str]] = [["submission", "student"]]
        for number in range(STUDENTS):
            self._hand_in(number, SHAPES[number % len(SHAPES)])
        for name, rows in (("roster", self.roster), ("mapping", self.mapping)):
            text = io.StringIO(newline="")
            csv.writer(text).writerows(rows)
            (root / f"{name}.csv").write_text(text.getvalue())
        (root / "policy.toml").write_text(POLICY)

    def _hand_in(self, number: int, shape: str) -> None:
        first, last, student = (
            "Zoé",
            f"Nr{chr(97 + number // 26)}{chr(97 + number % 26)}",
            f"s{number:02}",
        )
        facts = {
            "name": f"{first} {last}",
            "first": first.lower(),
            "last": last,
            "id": student,
            "n": str(number),
        }
        kind, _, rest = shape.partition(" ") if shape.split(" ", 1)[0] in KINDS else ("", "", shape)
        name = (rest or kind).format(**facts)
        group = f"team {number % 20 // 2}" if kind == "group" else ""
        bonus = "1" if number == 0 else ""
        row = [student, facts["name"], f"{student}@example.org", "AB"[number % 2], group, "", bonus]
        self.roster.append(row)
        files = {f"{path}": text for path, text in self.homework.items()}
        files["pipeline/producer.py"] += f"\n# {number}\n".encode()
        if kind == "missing":
            return
        if kind == "loose":
            self._write(flat(files, name))
        elif kind == "windows":
            self._write(
                {name: zipped({path.replace("/", "\\"): text for path, text in files.items()})}
            )
        elif kind == "hostile":
            self._write({name: zipped({**files, "../../outside.py": b"x"})})
        elif kind == "repository":
            repo = self.folder(f"repositories/{student}", dict(files))
            for words in (
                ("init", "--quiet", "--initial-branch=main"),
                ("add", "."),
                ("commit", "-qm", "x"),
            ):
                git(repo, *words)
            row[5] = str(repo)
        elif kind in ("mac", "mapped", "group"):
            shown = unicodedata.normalize("NFD", name)
            if kind == "group":  # one of them hands in for all
                shown = group
                if number >= len(SHAPES):
                    return
            self._write({f"{shown}/{path}": text for path, text in files.items()})
            if kind == "mapped":
                self.mapping.append([name, student])
        else:
            self._write({name: zipped(files)})

    def _write(self, files: dict[str, bytes]) -> None:
        self.folder("submissions", dict(files))


KINDS = ("loose", "windows", "mac", "repository", "mapped", "group", "hostile", "missing")


@pytest.fixture
def sixty(tmp_path: Path, folder: Callable[..., Path], homework: dict[str, bytes]) -> Sixty:
    return Sixty(tmp_path, folder, homework)


def test_sixty_students_from_every_shape_to_every_export(
    sixty: Sixty,
    week: Week,
    answers: Callable[..., RunJobs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = Options(
        tmp_path / "submissions", tmp_path / "grades", tmp_path / "roster.csv",
        tmp_path / "policy.toml", mapping=tmp_path / "mapping.csv",
    )  # fmt: skip
    monkeypatch.setattr(fingerprint, "of_graders", lambda week: "graders")
    failing = {f"s{number:02}": {"1.3": Outcome.FAILED} for number in range(0, STUDENTS, 4)}
    graded: list[str] = []

    def run() -> dict[str, Any]:
        started = time.monotonic()
        assignment = Assignment(week, options)
        with assignment.held():
            taken = time.monotonic()
            list(assignment.grade(assignment.tasks(), answers(failing, graded), 2, 0))
            done = time.monotonic()
            summary = assignment.publish(assignment.grades())
        ended = time.monotonic()
        print(
            f"intake {taken - started:.1f} s, records {done - taken:.1f} s, exports {ended - done:.1f} s"
        )
        assert ended - started < MAX_SECONDS
        return summary

    summary = run()
    assert len(summary["students"]) == STUDENTS
    found: dict[str, list[str]] = {}
    for one in summary["students"]:
        found.setdefault(SHAPES[int(one["id"][1:]) % len(SHAPES)], []).append(one["status"])
    for shape, statuses in found.items():
        kind = shape.split(" ")[0].split("_")[0]
        assert set(statuses) == {
            {"hostile": "refused", "missing": "missing"}.get(kind, "graded")
        }, shape
    assert summary["problems"] == []
    one_group = {one["id"] for one in summary["students"] if one["group"]}
    assert len(one_group & set(graded)) == 1  # a group is graded once
    out = tmp_path / "grades"
    assert not (tmp_path / "outside.py").exists()
    assert (
        len(list((out / "reports").iterdir()))
        == len(list((out / "feedback").iterdir()))
        == STUDENTS
    )
    for name, count in (
        ("scores.csv", 60),
        ("exports/mail_merge.csv", 60),
        ("exports/moodle.csv", 57),
    ):
        assert len(list(csv.DictReader(io.StringIO((out / name).read_text())))) == count
    assert len(json.loads((out / "exports/canvas.json").read_text())["grade_data"]) == 57

    before = len(graded)
    assert run()["changes"] == []
    assert len(graded) == before  # nobody is graded again
