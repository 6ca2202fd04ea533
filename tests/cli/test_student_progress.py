"""The progress file: what is kept, when a week counts, and what a broken file does."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bootcamp import paths
from bootcamp.course.layers import Source, student_layers
from bootcamp.errors import BootcampError
from bootcamp.student import progress


def result(**outcomes: str) -> dict:
    points = {"5.1": 2.0, "5.2": 3.0}
    items: list[dict[str, Any]] = [
        {
            "id": name.removeprefix("item_").replace("_", "."),
            "title": "…",
            "outcome": outcome,
            "message": "",
            "seconds": 0.1,
        }
        for name, outcome in outcomes.items()
    ]
    for item in items:
        item["max_score"] = points[item["id"]]
        item["score"] = points[item["id"]] if item["outcome"] == "passed" else 0.0
    return {"week": 5, "score": 0.0, "max_score": 5.0, "items": items}


def test_a_week_counts_once_every_item_passed(tiny_week):
    progress.record(result(item_5_1="passed", item_5_2="failed"))
    assert progress.item_passed("5.1")
    assert not progress.item_passed("5.2")
    assert progress.passed_weeks() == set()
    progress.record(result(item_5_2="passed"))
    assert progress.passed_weeks() == {tiny_week}
    (layer,) = student_layers(tiny_week, progress.passed_weeks())
    assert layer.source is Source.STUDENT


def test_a_week_whose_files_changed_counts_only_after_another_check(tiny_week):
    progress.record(result(item_5_1="passed", item_5_2="passed"))
    file = tiny_week.exercises / "pipeline" / "given.py"
    before = file.read_text()
    file.write_text("LIMIT = 4\n")
    assert progress.passed_weeks() == set()
    assert progress.changed_weeks() == {tiny_week}
    file.write_text(before)
    assert progress.passed_weeks() == {tiny_week}
    (tiny_week.exercises / "pipeline" / "more.py").write_text("")
    assert progress.passed_weeks() == set()
    progress.record(result(item_5_1="passed", item_5_2="passed"))
    assert progress.passed_weeks() == {tiny_week}
    assert progress.changed_weeks() == set()


def test_items_that_passed_on_different_files_make_no_passed_week(tiny_week):
    progress.record(result(item_5_1="passed"))
    (tiny_week.exercises / "pipeline" / "homework.py").write_text("")
    progress.record(result(item_5_2="passed"))
    assert progress.passed_weeks() == set()


def test_an_edit_made_during_a_check_does_not_count_as_checked(tiny_week):
    taken = progress.fingerprint(tiny_week)
    (tiny_week.exercises / "pipeline" / "homework.py").write_text("")
    progress.record(result(item_5_1="passed", item_5_2="passed"), taken)
    assert progress.passed_weeks() == set()


def test_the_best_score_stays_and_a_grader_error_changes_nothing(tiny_week):
    progress.record(result(item_5_1="passed"))
    progress.record(result(item_5_1="grader_error"))
    assert progress.item_passed("5.1")
    progress.record(result(item_5_1="failed"))
    assert not progress.item_passed("5.1")
    assert progress.load().item("5.1").best_score == 2.0


@pytest.mark.parametrize(
    "content",
    [
        b"{ half a fi",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"",
        b'{"version": 1, "items": {"5.1": {"outcome": "won", "best_score": -3}}}',
        b"[" * 100_000,
        b" " * (progress.MAX_BYTES + 1),
    ],
    ids=["cut", "list", "null", "binary", "empty", "values", "deep", "large"],
)
def test_a_broken_file_is_put_aside_and_progress_goes_on(tiny_week, capsys, content):
    file = paths.state_dir() / "progress.json"
    file.parent.mkdir()
    file.write_bytes(content)
    assert progress.passed_weeks() == set()
    assert "is kept as" in capsys.readouterr().err
    (kept,) = file.parent.glob("progress.broken-*.json")
    assert kept.read_bytes() == content
    progress.record(result(item_5_1="passed"))
    assert progress.item_passed("5.1")


def test_an_earlier_versions_file_is_read_without_its_hints_by_item(tiny_week, capsys):
    file = paths.state_dir() / "progress.json"
    file.parent.mkdir()
    item = {"outcome": "passed", "best_score": 2.0, "hints_taken": 3}
    file.write_text(json.dumps({"version": 1, "items": {"5.1": item}}))
    assert progress.item_passed("5.1")
    assert progress.take_hint("5.1", "first", at_most=4) == 1
    kept = progress.load().item("5.1")
    assert (kept.best_score, kept.all_hints_taken) == (2.0, 1)
    assert not capsys.readouterr().err


def test_a_newer_versions_file_is_left_alone(tiny_week):
    file = paths.state_dir() / "progress.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"version": 99, "items": []}))
    with pytest.raises(BootcampError, match="newer version"):
        progress.record(result(item_5_1="passed"))
    assert json.loads(file.read_text())["version"] == 99


def test_a_state_folder_that_is_a_file_is_a_clear_error(tiny_week):
    paths.state_dir().write_text("")
    with pytest.raises(BootcampError, match="Cannot"):
        progress.record(result(item_5_1="passed"))


def test_writers_at_the_same_time_lose_nothing(tiny_week):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: progress.take_hint("5.1", "first", at_most=100), range(40)))
    assert progress.hints_taken("5.1", "first") == 40
