"""What is taken of a submission: the week's homework files, wherever they lie, and no more."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.intake import trees
from autograder.classroom.intake.allow_list import MAX_NOTES, Intake, store, take
from autograder.classroom.intake.sources import HandIn, find
from autograder.classroom.intake.trees import FolderTree
from autograder.run.submission import MAX_FILE_BYTES
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

Make = Callable[..., Path]
PRODUCER = "pipeline/producer.py"
UTC_ZONE = ZoneInfo("UTC")


def taken(folder: Path, week: Week) -> Intake:
    return take(FolderTree(folder), week)


def names(intake: Intake) -> set[str]:
    return set(map(str, intake.files))


@pytest.mark.parametrize(
    "root", ["", "week01_first_task/", "exercises/week01_first_task/", "my-repo-main/hand in/"]
)
def test_the_homework_is_found_wherever_it_lies(
    folder: Make, homework: dict[str, bytes], week: Week, root: str
) -> None:
    intake = taken(folder("sub", {root + name: text for name, text in homework.items()}), week)
    assert not intake.refused
    assert {str(path): text for path, text in intake.files.items()} == homework
    assert not intake.notes


def test_a_whole_checkout_gives_the_exercises_and_not_the_solutions(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    files: dict[str, bytes | str] = {}
    for name, text in homework.items():
        files[f"exercises/{week.name}/{name}"] = b"# mine\n"
        files[f"solutions/{week.name}/{name}"] = text
        files[f"exercises/week02_api/{name}"] = text
        files[f"backup/{week.name}/{name}"] = text
    intake = taken(folder("sub", files), week)
    assert set(intake.files.values()) == {b"# mine\n"}
    assert any("another copy, in backup" in note for note in intake.notes)


def test_what_changes_python_or_pytest_is_left_out_and_named(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    strange = [
        "conftest.py",
        "pytest.ini",
        "pipeline/sitecustomize.py",
        "evil.pth",
        "PyProject.toml",
    ]
    sub = folder("sub", {**homework, **dict.fromkeys(strange, "x"), "celery/__init__.py": "x"})
    intake = taken(sub, week)
    assert names(intake) == set(homework)
    notes = "\n".join(intake.notes)
    assert all(f"{name}, which changes how Python runs" in notes for name in strange)
    assert "1 files that are no homework" in notes


def test_a_change_to_a_given_file_is_named(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    given = "pipeline/settings.py"
    same = (week.exercises / given).read_bytes().replace(b"\n", b"\r\n")
    assert not taken(folder("same", {**homework, given: same}), week).notes
    intake = taken(folder("changed", {**homework, given: "import os\n"}), week)
    assert names(intake) == set(homework)
    assert any(given in note and "do not count" in note for note in intake.notes)


def test_links_are_never_followed(
    folder: Make, homework: dict[str, bytes], week: Week, tmp_path: Path
) -> None:
    secret = folder("secret", {"producer.py": "SECRET", "pipeline/producer.py": "SECRET"})
    sub = folder("sub", {name: text for name, text in homework.items() if name != PRODUCER})
    (sub / PRODUCER).symlink_to(secret / "producer.py")
    intake = taken(sub, week)
    assert PRODUCER not in names(intake)
    assert b"SECRET" not in b"".join(intake.files.values())
    assert any(f"{PRODUCER}, a link" in note for note in intake.notes)

    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "pipeline").symlink_to(secret / "pipeline")
    assert "no homework" in taken(whole, week).refused


def test_a_folder_that_is_a_link_itself_is_refused(folder: Make, week: Week) -> None:
    place = folder("all", {"anna/x": "x"})
    (place / "ben").symlink_to(place / "anna")
    by_name = {one.name: one.read(week) for one in find(place, week, UTC_ZONE)}
    assert "link" in by_name["ben"].refused


def test_pipes_and_setuid_files_are_left_out(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    sub = folder("sub", {**homework, "tool": "x"})
    os.mkfifo(sub / "pipe")
    (sub / "tool").chmod(0o755 | stat.S_ISUID)
    (sub / PRODUCER).unlink()
    os.mkfifo(sub / PRODUCER)  # reading it would wait for ever
    intake = taken(sub, week)
    notes = "\n".join(intake.notes)
    assert "pipe, a device" in notes
    assert "tool, a file with setuid" in notes
    assert PRODUCER not in names(intake)


def test_a_file_above_the_limit_is_named_and_not_taken(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    intake = taken(folder("sub", {**homework, PRODUCER: b"#" * (MAX_FILE_BYTES + 1)}), week)
    assert PRODUCER not in names(intake)
    assert any(PRODUCER in note and "larger" in note for note in intake.notes)


def test_too_many_files_are_refused(
    folder: Make, homework: dict[str, bytes], week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MAX_ENTRIES", 50)
    flood = {f"junk/{number}": "" for number in range(60)}
    assert "more than 50 files" in taken(folder("sub", {**homework, **flood}), week).refused


def test_notes_do_not_flood_the_report(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    flood = {f"d{number}/conftest.py": "" for number in range(MAX_NOTES * 3)}
    assert len(taken(folder("sub", {**homework, **flood}), week).notes) <= MAX_NOTES + 1


def test_names_that_differ_in_case_only_are_refused(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    sub = folder("sub", {**homework, "pipeline/Producer.py": "x"})
    if len(list((sub / "pipeline").glob("[pP]roducer.py"))) < 2:
        pytest.skip("this file system knows no case")
    assert "one file to some systems" in taken(sub, week).refused


def test_names_that_students_choose_cannot_write_into_the_terminal(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    sub = folder("sub", {**homework, "\x1b[2J\u202eevil/conftest.py": "x"})
    notes = "".join(taken(sub, week).notes)
    assert "evil" in notes
    assert "\x1b" not in notes
    assert "\u202e" not in notes


def test_a_submission_without_homework_says_what_is_there(folder: Make, week: Week) -> None:
    assert "essay.txt" in taken(folder("a", {"essay.txt": "x"}), week).refused
    assert "archive within (hw.zip)" in taken(folder("b", {"hw.zip": "x"}), week).refused


def test_storing_leaves_nothing_of_before(tmp_path: Path) -> None:
    first = Intake({PurePosixPath("pipeline/a.py"): b"1", PurePosixPath("pipeline/b.py"): b"2"})
    store(first, tmp_path / "taken")
    store(Intake({PurePosixPath("pipeline/a.py"): b"3"}), tmp_path / "taken")
    files = [path for path in (tmp_path / "taken").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"3"]


# -- layouts ---------------------------------------------------------------------------------

GRADESCOPE = """
submission_101:
  :submitters:
  - :name: Anna Alt
    :sid: '11'
    :email: anna@example.org
  - :name: Ben Bär
    :sid: 12
    :email: ben@example.org
  :created_at: 2026-11-27 21:04:05.123456000 Z
  :score: 3.0
  :status: processed
submission_102:
  :submitters:
  - :name: "Mallory =1+1"
    :sid:
    :email: mallory@example.org
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-11-27 22:00:00.0 Z
../elsewhere:
  :submitters: none
"""


def test_a_gradescope_export(folder: Make, homework: dict[str, bytes], week: Week) -> None:
    files = {f"submission_101/{name}": text for name, text in homework.items()}
    place = folder(
        "export",
        {**files, "submission_102/x": "x", "submission_metadata.yml": GRADESCOPE},
    )
    folder("elsewhere", dict(homework))
    found = find(place, week, UTC_ZONE)
    by_alias: dict[str, HandIn] = {one.aliases[0]: one for one in found}
    assert set(by_alias) == {"11", "12", "mallory@example.org", "../elsewhere"}
    assert by_alias["12"].person == "Ben Bär"
    assert by_alias["11"].submitted == datetime(2026, 11, 27, 21, 4, 5, 123456, tzinfo=UTC)
    assert names(by_alias["12"].read(week)) == set(homework)
    assert by_alias["../elsewhere"].read(week).refused


@pytest.mark.parametrize("text", ["- 1\n", ": :\n  - [", "!!python/object/apply:os.system ['id']"])
def test_a_broken_export_is_an_error_in_words(folder: Make, week: Week, text: str) -> None:
    place = folder("export", {"submission_metadata.yml": text})
    with pytest.raises(UsageError, match="submission"):
        find(place, week, UTC_ZONE)


def test_an_nbgrader_course(folder: Make, homework: dict[str, bytes], week: Week) -> None:
    files: dict[str, bytes | str] = {
        f"anna/{week.name}/{name}": text for name, text in homework.items()
    }
    files[f"anna/{week.name}/timestamp.txt"] = "2026-11-27 21:04:05.0 Europe/Berlin\n"
    files[f"anna/{week.name}/check.ipynb"] = "{}"
    (only,) = find(folder("submitted", files), week, UTC_ZONE)
    assert only.submitted == datetime(2026, 11, 27, 20, 4, 5, tzinfo=UTC)
    assert names(only.read(week)) == set(homework)


def test_a_folder_without_submissions_is_an_error(tmp_path: Path, week: Week) -> None:
    with pytest.raises(UsageError, match="no submission"):
        find(tmp_path, week, UTC_ZONE)
    with pytest.raises(UsageError, match="no folder"):
        find(tmp_path / "none", week, UTC_ZONE)


def test_other_kinds_of_archive_are_refused_in_words(folder: Make, week: Week) -> None:
    (only,) = find(folder("all", {"anna.rar": "Rar!"}), week, UTC_ZONE)
    assert "zip archive" in only.read(week).refused
