"""Points with comments as Moodle and Canvas read them."""

from __future__ import annotations

import json

from autograder.classroom.output.exports import canvas_json, moodle_csv
from autograder.classroom.policy.summary import Grade
from tests.classroom.test_exports import rows


def test_moodle_gets_points_and_feedback_in_one_row(grades: tuple[Grade, ...]) -> None:
    found = rows(moodle_csv(grades, "week01"))
    assert list(found[0]) == ["ID number", "Email address", "week01", "week01 feedback"]
    assert [one["week01"] for one in found] == ["11.0", "4.0", "0.0"]  # nobody without points
    assert "1.3 (0/2)" in found[1]["week01 feedback"]
    assert "&lt;script&gt;" in found[1]["week01 feedback"]
    assert "<" not in found[1]["week01 feedback"]
    assert found[2]["ID number"].startswith("'=")


def test_canvas_gets_points_and_comments_by_sis_id(grades: tuple[Grade, ...]) -> None:
    data = json.loads(canvas_json(grades))["grade_data"]
    assert list(data) == ["sis_user_id:anna", "sis_user_id:ben", "sis_user_id:=cmd|' /C calc'!A0"]
    assert data["sis_user_id:anna"] == {"posted_grade": "11"}
    assert data["sis_user_id:ben"]["posted_grade"] == "4"
    assert data["sis_user_id:ben"]["text_comment"].startswith("1.3 (0/2): ")
