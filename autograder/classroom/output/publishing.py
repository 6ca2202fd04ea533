"""Writes the pages and exports of a class, and removes those of students who are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.classroom.intake.names import file_stem
from autograder.classroom.output import exports, feedback
from autograder.classroom.output.reports import REPORTS, Pages
from autograder.classroom.policy.changes import (
    HISTORY,
    Change,
    compare,
    dump,
    load_history,
    with_changes,
)
from autograder.classroom.policy.hidden import as_student_sees
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.rubric import Rubric
from autograder.classroom.policy.similarity import Cluster
from autograder.classroom.policy.summary import Grade, Status, by_section, counts
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week
from bootcamp.files import write_atomic
from bootcamp.stack.state import read_json

GRADES = "grades.json"


@dataclass(frozen=True)
class ClassResults:
    """All that pages and exports show of one week of a class."""

    week: Week
    manifest: Manifest
    policy: Policy
    rubric: Rubric | None
    grades: tuple[Grade, ...]
    seed: int
    problems: tuple[str, ...]
    clusters: tuple[Cluster, ...] = ()

    def seen(self, now: datetime) -> tuple[Grade, ...]:
        """The grades as students see them now."""
        extra = self.policy.extra_items
        return tuple(as_student_sees(one, now, extra) for one in self.grades)

    def summary(self, changes: tuple[Change, ...] = ()) -> dict[str, Any]:
        """What `grades.json` holds, with what changed since the last run."""
        grades = self.grades
        return {
            "week": self.week.number,
            "name": self.week.name,
            "max_score": grades[0].max_score if grades else self.manifest.max_score,
            "seed": self.seed,
            "counts": counts(grades),
            "problems": list(self.problems),
            "sections": {
                name: {"students": len(one.finals), "mean": one.mean, "median": one.median}
                for name, one in by_section(grades, self.manifest).items()
            },
            "changes": [one.model_dump(mode="json") for one in changes],
            "students": [grade.to_json() for grade in grades],
        }


def changes_since(out: Path, results: ClassResults) -> tuple[Change, ...]:
    """What differs from the grades that `out` holds."""
    return compare(read_json(out / GRADES), (one.to_json() for one in results.grades))


def publish(out: Path, results: ClassResults) -> dict[str, Any]:
    """Write pages and exports; returns what `grades.json` holds.

    Raises:
        BootcampError: a file cannot be written.
    """
    changes = changes_since(out, results)
    history = with_changes(load_history(out), changes)
    pages = Pages(results.week, results.manifest, results.policy, results.rubric)
    files = dict(_of_students(results, pages)) | dict(_of_class(results, pages.title))
    latest = history[-1] if history else None
    files["class.html"] = pages.whole_class(
        results.grades, results.seed, results.problems, results.clusters, latest
    )
    seen = results.seen(datetime.now(UTC))
    files["class_without_names.html"] = pages.whole_class(seen, results.seed, names=False)
    files |= {HISTORY: dump(history)} if changes else {}
    summary = results.summary(changes)
    files[GRADES] = json.dumps(summary, indent=1)  # the last: until then the old points stand
    for name, text in files.items():
        _write(out / name, text.encode("utf-8", "replace"))
    _remove_others(out, results.grades, files)
    return summary


def _write(path: Path, content: bytes) -> None:
    """Write a file unless it holds just this: in a large class, most pages stay as they are."""
    try:
        same = not path.is_symlink() and path.read_bytes() == content
    except OSError:
        same = False
    if not same:
        write_atomic(path, content)


def _of_students(results: ClassResults, pages: Pages) -> Iterator[tuple[str, str]]:
    now = datetime.now(UTC)
    for whole, grade in zip(results.grades, results.seen(now), strict=True):
        stem = file_stem(grade.student.id)
        yield f"{REPORTS}/{stem}.html", pages.student(grade)
        yield f"{feedback.FOLDER}/{stem}.md", feedback.markdown(grade, pages.title)
        if grade.final is not None:
            result = json.dumps(exports.gradescope(whole), indent=1)
            yield f"exports/gradescope/{stem}/results.json", result
            result = json.dumps(exports.classroom50(grade, now), indent=1)
            yield f"exports/classroom50/{stem}.json", result


def _of_class(results: ClassResults, title: str) -> Iterator[tuple[str, str]]:
    grades, name = results.grades, results.week.name
    seen = results.seen(datetime.now(UTC))
    yield "scores.csv", exports.scores_csv(grades, results.manifest, results.rubric)
    yield "exports/mail_merge.csv", exports.table(feedback.mail_merge(seen, title))
    yield "exports/lms.csv", exports.lms_csv(grades, name)
    yield "exports/moodle.csv", exports.moodle_csv(grades, name)
    yield "exports/canvas.json", exports.canvas_json(grades)
    if results.rubric:
        by_hand = exports.lms_csv(grades, f"{name}_by_hand", exports.hand_points)
        yield "exports/lms_by_hand.csv", by_hand


def _remove_others(out: Path, grades: tuple[Grade, ...], files: dict[str, str]) -> None:
    """Remove what a student of an earlier run has left."""
    unread = {file_stem(one.student.id) for one in grades if one.status is Status.UNREAD}
    for folder in (REPORTS, feedback.FOLDER, "exports"):
        for path in filter(Path.is_file, (out / folder).rglob("*")):
            kept = unread & {path.stem, path.parent.name}
            if not kept and path.relative_to(out).as_posix() not in files:
                path.unlink()
