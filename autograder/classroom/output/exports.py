"""Grades as other systems read them: CSV, Gradescope's results.json, Classroom 50's result.json."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.intake.names import MAX_SENTENCE, cell, shown
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.feedback import hand_lines, summary
from autograder.classroom.policy.hand_grades import HandPoints, Mark
from autograder.classroom.policy.hand_table import COLUMNS, INFORMATION, OVERALL, Targets
from autograder.classroom.policy.remarks import Remarked
from autograder.classroom.policy.rubric import Rubric
from autograder.classroom.policy.summary import Grade
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome

MAX_OUTPUT = 20_000
"""Characters of a card in an export."""


def scores_csv(grades: Iterable[Grade], manifest: Manifest, rubric: Rubric | None = None) -> str:
    """Everything per student, a column per item. What is not recorded is blank, never 0.

    The column of a first green, which has no points, holds the outcome: `passed`, `failed`, …
    With a rubric, the points by hand come last: a column for each criterion, their sum and its
    maximum. The other columns are the same with a rubric and without.
    """
    ids = [item.id for item in manifest.items]
    rows: list[Sequence[object]] = [
        ["id", "name", "email", "section", "status", *ids, "score", "extra", "bonus",
         "penalty", "final", "max_score", "submitted", "late_minutes", "free_days", "commit", "reason",
         "remarks",
         *_hand_columns(rubric)]
    ]  # fmt: skip
    for grade in grades:
        scores = {
            one.id: one.score if one.max_score else one.outcome.value
            for one in (grade.record.items if grade.record else ())
            if one.judged
        }
        student, recorded = grade.student, grade.score is not None
        rows.append(
            [student.id, student.name, student.email, student.section, grade.status.value]
            + [scores.get(item_id, "") for item_id in ids]
            + [grade.score if recorded else ""]
            + ([grade.extra, student.bonus, grade.penalty, grade.final] if recorded else [""] * 4)
            + [grade.max_score, grade.submitted.isoformat() if grade.submitted else ""]
            + [grade.late.minutes or "", grade.free_days or "", grade.commit]
            + [grade.reason, _remarks(grade)]
            + _hand_cells(grade.by_hand)
        )
    return table(rows)


def _remarks(grade: Grade) -> str:
    """What a person said, of the whole and of items."""
    whole = [grade.comment.comment] if grade.comment else []
    items = (f"{one.id}: {one.remark}" for one in grade.remarks)
    return "; ".join([*whole, *items, *hand_lines(grade)])


def _hand_columns(rubric: Rubric | None) -> list[str]:
    if rubric is None:
        return []
    return [*(f"by_hand_{one.id}" for one in rubric.criteria), "by_hand", "by_hand_max"]


def _hand_cells(points: HandPoints | None) -> list[object]:
    if points is None:
        return []
    cells: list[object] = [mark.points if mark else "" for _, mark in points.rows]
    total = points.total
    return [*cells, "" if total is None else total, points.rubric.max_points]


def hand_grades_csv(targets: Targets, people: Iterable[tuple[Student, Mapping[str, Mark]]]) -> str:
    """The table in which a person enters points: a row per student and criterion, or per item in a
    week without a rubric.

    What is already entered stands in it, so it can be written again at any time.

    Args:
        targets: what rows may be about.
        people: each student, and what was entered, by criterion and item.
    """
    rows: list[Sequence[object]] = [[*COLUMNS, *INFORMATION]]
    always = [one.id for one in targets.rubric.criteria] if targets.rubric else [*targets.items]
    for student, marks in people:
        for name in (*always, *(one for one in (*targets.items, OVERALL) if one not in always)):
            mark = marks.get(name)
            if mark or name in always:
                points = "" if mark is None or mark.points is None else f"{mark.points:g}"
                comment = mark.comment if mark else ""
                most = f"{targets.most(name):g}"
                rows.append([student.id, name, points, comment, student.name, most])
    return table(rows)


def final_points(grade: Grade) -> float | None:
    """The automatic points, after lateness and bonus."""
    return grade.final


def hand_points(grade: Grade) -> float | None:
    """The points by hand, once all criteria are graded."""
    return grade.by_hand.total if grade.by_hand else None


def lms_csv(
    grades: Iterable[Grade],
    column: str,
    points: Callable[[Grade], float | None] = final_points,
) -> str:
    """What learning platforms import: who, and one column of points named after the week.

    The header is the one that Canvas's gradebook importer demands, in its order (canvas-lms,
    lib/gradebook_importer.rb); `ID` is Canvas's own number, which we do not know. Moodle and others
    let you choose what a column means.

    Who has no points recorded has no row: Moodle makes 0 of a blank cell in a new grade item.
    """
    rows: list[Sequence[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
    ]
    for grade in grades:
        if (given := points(grade)) is not None:
            student = grade.student
            login = student.email or student.id
            rows.append([student.name, "", student.id, login, student.section, given])
    return table(rows)


def moodle_csv(grades: Iterable[Grade], column: str) -> str:
    """What Moodle's grade import reads, with feedback: its mapping offers "Feedback for" each item
    (moodle, grade/import/csv/classes/load_data.php).

    Moodle shows feedback as HTML, so what students wrote is escaped. Who has no points recorded has no
    row: an import of feedback alone would empty the grade.
    """
    rows: list[Sequence[object]] = [["ID number", "Email address", column, f"{column} feedback"]]
    for one in grades:
        if one.final is not None:
            said = html.escape(summary(one), quote=False)
            rows.append([one.student.id, one.student.email, one.final, said])
    return table(rows)


def canvas_json(grades: Iterable[Grade]) -> str:
    """Points and comments as Canvas's API takes them: its CSV import has no comments.

    For `POST …/assignments/ID/submissions/update_grades`, which finds a student by `sis_user_id:ID`
    (canvas-lms, app/models/submission.rb). Comments are text there.
    """
    data = {
        f"sis_user_id:{one.student.id}": {
            "posted_grade": f"{one.final:g}",
            **({"text_comment": said} if (said := summary(one)) else {}),
        }
        for one in grades
        if one.final is not None
    }
    return json.dumps({"grade_data": data}, indent=1)


def table(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV, in which no cell is a formula."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue()


def gradescope(grade: Grade) -> dict[str, Any]:
    """A submission's `results.json`. Gradescope calls for it where an autograder runs.

    The total stands at the top, so that lateness and extra points are in it.
    """
    late = f"Points taken off for lateness: {grade.penalty:g}." if grade.penalty else ""
    whole = grade.comment.comment if grade.comment else ""
    results: dict[str, Any] = {
        "output": "\n".join(
            filter(None, (shown(grade.reason, MAX_SENTENCE) or late, whole, *hand_lines(grade)))
        ),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            test for one in (grade.record.items if grade.record else ()) for test in _tests(one)
        ],
        "extra_data": {"penalty": grade.penalty, "bonus": grade.student.bonus},
    }
    if grade.final is not None:
        results["score"] = max(grade.final, 0.0)
    if grade.record:
        results["execution_time"] = round(grade.record.seconds)
        results["extra_data"]["sandbox"] = grade.record.sandbox
    return results


def _tests(one: ItemRecord) -> list[dict[str, Any]]:
    """An item, or its checks where it has some: hidden ones are shown after Gradescope's due date.

    Points that a person has given are those of the whole item.
    """
    if not one.checks or isinstance(one, Remarked):
        hidden = any(check.hidden for check in one.checks)
        return [_gradescope_test(one) | ({"visibility": "after_due_date"} if hidden else {})]
    return [
        {
            "name": f"{one.title}: {check.title}{' (bonus)' if check.bonus else ''}",
            "number": f"{one.id}.{number}",
            "score": check.score,
            "max_score": 0 if check.bonus else check.max_score,
            "status": "passed" if check.outcome is Outcome.PASSED else "failed",
            "output": check.text[:MAX_OUTPUT],
            "output_format": "text",
            "visibility": "after_due_date" if check.hidden else "visible",
            "tags": [check.outcome.value],
        }
        for number, check in enumerate(one.checks, 1)
    ]


def _gradescope_test(one: ItemRecord) -> dict[str, Any]:
    # Without points Gradescope shows the status alone; with them it would say (0/0).
    points = {"score": one.score, "max_score": one.max_score} if one.max_score else {}
    verdict = {"status": "passed" if one.passed else "failed"}
    return {
        **(points | verdict if one.judged or one.outcome is not Outcome.UNAVAILABLE else {}),
        "name": one.title,
        "number": one.id,
        "output": one.text[:MAX_OUTPUT],
        "output_format": "text",
        "visibility": "visible",
        "tags": [one.outcome.value],
    }


def classroom50(grade: Grade, graded: datetime) -> dict[str, Any]:
    """Our half of a submission's `result.json` for Classroom 50 (`classroom50/result/v1`).

    Its runner knows the other half: classroom, assignment, submission, commit, release and review
    (`recipes/classroom50/autograder.py` adds them). Scores are whole numbers there, and their sum is
    the total, so lateness and extra points are left out.

    Args:
        grade: one that has points.
        graded: when, with a time zone.
    """
    tests = [
        {
            "test-name": f"{one.id} {one.title}",
            "passed": one.passed,
            "score": min(round(one.score), round(one.max_score)),
            "max-score": round(one.max_score),
        }
        for one in (grade.record.items if grade.record else ())
    ]
    return {
        "schema": "classroom50/result/v1",
        "datetime": graded.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(one["score"] for one in tests),
        "max-score": sum(one["max-score"] for one in tests) or round(grade.max_score),
        "tests": tests,
    }
