"""Exports: they fit what their readers publish, and nothing that a student wrote is believed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from jsonschema import Draft202012Validator

from autograder.classroom.execution.records import Record
from autograder.classroom.intake.roster import Student
from autograder.classroom.output.exports import (
    classroom50,
    gradescope,
    lms_csv,
    scores_csv,
)
from autograder.classroom.policy.summary import Grade, grade_of
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week
from tests.classroom.conftest import POLICY

MakeRecord = Callable[..., Record]

GRADESCOPE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "execution_time": {"type": "number", "minimum": 0},
        "output": {"type": "string"},
        "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "test_output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "test_name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "stdout_visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "extra_data": {"type": "object"},
        "leaderboard": {"type": "array"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": {
                        "enum": ["hidden", "after_due_date", "after_published", "visible"]
                    },
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
    "anyOf": [{"required": ["score"]}, {"required": ["tests"]}],
}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_files(grades: tuple[Grade, ...], manifest: Manifest, week: Week) -> None:
    anna, ben, refused, dora, emil = rows(scores_csv(grades, manifest))
    assert (anna["final"], anna["1.5"], anna["extra"], anna["bonus"]) == (
        "11.0",
        "3.0",
        "3.0",
        "1.0",
    )
    assert (ben["score"], ben["penalty"], ben["late_minutes"]) == ("5.0", "1.0", "1500.0")
    assert (refused["final"], dora["final"], emil["final"]) == ("0.0", "", "")
    assert (emil["1.4"], emil["1.1"], dora["score"]) == ("", "2.0", "")
    assert [one["1.0"] for one in (anna, dora)] == ["passed", ""]
    points = [row[week.name] for row in rows(lms_csv(grades, week.name))]
    assert points == ["11.0", "4.0", "0.0"]  # a blank would be 0 in Moodle: no row at all
    for text in (scores_csv(grades, manifest), lms_csv(grades, week.name)):
        for row in csv.reader(io.StringIO(text, newline="")):
            for value in row:
                assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert "\x1b" not in text


def test_canvas_takes_the_csv_for_learning_platforms(
    record: MakeRecord, manifest: Manifest
) -> None:
    """By the rules of Canvas's own importer: canvas-lms, lib/gradebook_importer.rb."""
    people = (Student("4711", "Alt, Anna", "anna@example.org", "A"), Student("ben"))
    grades = [
        grade_of(one, POLICY, manifest, handed_in=True, record=record(one.id)) for one in people
    ]
    (head, anna, ben) = csv.reader(io.StringIO(lms_csv(grades, "week01"), newline=""))
    assert "Student" in head[0]
    assert "ID" in head[1]
    assert re.search(r"SIS\s+User\s+ID", head[2])
    assert re.search(r"SIS\s+Login\s+ID", head[3])
    assert "Section" in head[4]
    assert head[5:] == ["week01"]  # all that follows would be an assignment
    assert anna == ["Alt, Anna", "", "4711", "anna@example.org", "A", "10.0"]
    assert ben == ["", "", "ben", "ben", "", "10.0"]


def test_gradescope_results_fit_their_published_fields(grades: tuple[Grade, ...]) -> None:
    for grade in grades:
        result = json.loads(json.dumps(gradescope(grade)))
        Draft202012Validator(GRADESCOPE_SCHEMA).validate(result)
        assert result.get("score") == grade.final
    ben = gradescope(grades[1])
    assert ben["output"] == "Points taken off for lateness: 1."
    first, *others = ben["tests"]
    assert first["status"] == "passed" and not {"score", "max_score"} & set(first)  # first green
    assert [one["score"] for one in others] == [2.0, 1.0, 0.0, 2.0, 0.0]
    assert ben["tests"][3]["output_format"] == "text"  # never as HTML
    assert ben["extra_data"] == {"penalty": 1.0, "bonus": 0.0, "sandbox": "none"}


def test_classroom_50_gets_whole_numbers_that_add_up(grades: tuple[Grade, ...]) -> None:
    graded = datetime(2026, 11, 28, 8, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    results = [classroom50(grade, graded) for grade in grades]
    for result in results:
        assert set(result) == {"schema", "datetime", "score", "max-score", "tests"}
        assert result["schema"] == "classroom50/result/v1"
        assert result["datetime"] == "2026-11-28T07:30:00Z"
        for test in result["tests"]:
            assert set(test) == {"test-name", "passed", "score", "max-score"}
            assert type(test["score"]) is type(test["max-score"]) is int
            assert test["passed"] == (test["score"] == test["max-score"])
        assert result["score"] == sum(test["score"] for test in result["tests"])
    assert results[0]["score"] == results[0]["max-score"] == 10
    assert results[1]["score"] == 5
