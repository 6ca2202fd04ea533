"""Grades as other systems read them: CSV, Gradescope's results.json, GitHub Classroom's result."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.intake.names import MAX_SENTENCE, cell, shown
from autograder.classroom.policy.summary import Grade
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome

MAX_OUTPUT = 20_000
"""Characters of a card in an export."""
GRADER_BROKE = "The grader broke on this item. It is no fault of yours, and is tried again."


def scores_csv(grades: Iterable[Grade], manifest: Manifest) -> str:
    """Everything per student, a column per item. What is not recorded is blank, never 0.

    The column of a first green, which has no points, holds the outcome: `passed`, `failed`, …
    """
    ids = [item.id for item in manifest.items]
    rows: list[Sequence[object]] = [
        ["id", "name", "email", "section", "status", *ids, "score", "extra", "bonus",
         "penalty", "final", "max_score", "submitted", "late_minutes", "reason"]
    ]  # fmt: skip
    for grade in grades:
        scores = {
            one.id: one.score if one.max_score else one.outcome.value
            for one in (grade.record.items if grade.record else ())
            if one.outcome is not Outcome.GRADER_ERROR
        }
        student, recorded = grade.student, grade.score is not None
        rows.append(
            [student.id, student.name, student.email, student.section, grade.status.value]
            + [scores.get(item_id, "") for item_id in ids]
            + [grade.score if recorded else ""]
            + ([grade.extra, student.bonus, grade.penalty, grade.final] if recorded else [""] * 4)
            + [grade.max_score, grade.submitted.isoformat() if grade.submitted else ""]
            + [grade.late.minutes or "", grade.reason]
        )
    return _csv(rows)


def lms_csv(grades: Iterable[Grade], week: str) -> str:
    """What learning platforms import: who, and one column of points named after the week.

    The header is the one that Canvas's gradebook importer demands, in its order (canvas-lms,
    lib/gradebook_importer.rb); `ID` is Canvas's own number, which we do not know. Moodle and others
    let you choose what a column means.

    Who has no points recorded has no row: Moodle makes 0 of a blank cell in a new grade item.
    """
    rows: list[Sequence[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", week]
    ]
    for grade in grades:
        if grade.final is not None:
            student = grade.student
            login = student.email or student.id
            rows.append([student.name, "", student.id, login, student.section, grade.final])
    return _csv(rows)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue()


def gradescope(grade: Grade) -> dict[str, Any]:
    """A submission's `results.json`. Gradescope calls for it where an autograder runs.

    The total stands at the top, so that lateness and extra points are in it.
    """
    late = f"Points taken off for lateness: {grade.penalty:g}." if grade.penalty else ""
    results: dict[str, Any] = {
        "output": shown(grade.reason, MAX_SENTENCE) or late,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_gradescope_test(one) for one in (grade.record.items if grade.record else ())],
        "extra_data": {"penalty": grade.penalty, "bonus": grade.student.bonus},
    }
    if grade.final is not None:
        results["score"] = max(grade.final, 0.0)
    if grade.record:
        results["execution_time"] = round(grade.record.seconds)
        results["extra_data"]["sandbox"] = grade.record.sandbox
    return results


def _gradescope_test(one: ItemRecord) -> dict[str, Any]:
    # Without points Gradescope shows the status alone; with them it would say (0/0).
    points = {"score": one.score, "max_score": one.max_score} if one.max_score else {}
    return {
        **points,
        "status": "passed" if one.outcome is Outcome.PASSED else "failed",
        "name": one.title,
        "number": one.id,
        "output": one.text[:MAX_OUTPUT],
        "output_format": "text",
        "visibility": "visible",
        "tags": [one.outcome.value],
    }


def classroom(grade: Grade) -> str:
    """What the runner of GitHub Classroom passes on: base64 of its JSON, version 3.

    Its reporter adds up the scores of the tests: lateness and bonus are no tests, and left out.
    It prints the message of an error into the log, where a line can be a command to GitHub's
    runner, and gets all of it in one environment variable, of 128 KiB at most. So no text of a
    card is in it.
    """
    items = grade.record.items if grade.record else ()
    if any(one.outcome is Outcome.GRADER_ERROR for one in items):
        status = "error"
    else:
        status = "pass" if items and all(one.outcome is Outcome.PASSED for one in items) else "fail"
    tests = [
        {
            "name": f"{one.id} {one.title}",
            "status": _classroom_status(one.outcome),
            "message": GRADER_BROKE if one.outcome is Outcome.GRADER_ERROR else None,
            "score": one.score,
            "duration": round(one.seconds * 1000),
            "filename": "",
            "line_no": 0,
        }
        for one in items
    ]
    points = sum(one.max_score for one in items) or grade.max_score
    result = {"version": 3, "status": status, "max_score": points, "tests": tests}
    return base64.b64encode(json.dumps(result).encode()).decode()


def _classroom_status(outcome: Outcome) -> str:
    if outcome is Outcome.GRADER_ERROR:
        return "error"
    return "pass" if outcome is Outcome.PASSED else "fail"
