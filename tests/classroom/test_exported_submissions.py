"""Submissions as learning platforms, Macs and Windows export them: each must find its student."""

from __future__ import annotations

import io
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.intake import archives
from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.matching import match
from autograder.classroom.intake.roster import Roster, Student
from autograder.classroom.intake.sources import HandIn, find
from bootcamp.course.weeks import Week, find_week

Make = Callable[..., Path]
ANNA = Student("s101", "Anna Alt", "anna@example.org")
UTE = Student("s102", "Ute Bär")
BERLIN = ZoneInfo("Europe/Berlin")


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return content.getvalue()


def tarred(files: dict[str, bytes], mode: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as packed:  # type: ignore[call-overload]
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def flat(homework: dict[str, bytes], ahead: str) -> dict[str, bytes]:
    """Each file with something in front of its name, and no folders."""
    return {
        f"{ahead.format(n)}{Path(name).name}": text
        for n, (name, text) in enumerate(homework.items())
    }


def hand_in(place: Path, week: Week, *students: Student) -> tuple[dict[str, HandIn], list[str]]:
    """What each student handed in, and the problems for the class page."""
    matched = match(Roster(students or (ANNA, UTE)), find(place, week, BERLIN))
    found = {one.student.id: one.hand_in for one in matched.matches if one.hand_in}
    return found, list(matched.problems)


def whole(intake: Intake, homework: dict[str, bytes]) -> bool:
    return {str(path): text for path, text in intake.files.items()} == homework


@pytest.mark.parametrize(
    "name",
    [
        "Anna Alt_1234567_assignsubmission_file/homework.zip",
        "Anna Alt_1234567_assignsubmission_file_/homework.zip",
        "Anna Alt_1234567_assignsubmission_file_homework.zip",
        "altanna_90001_7700001_homework.zip",
        "altanna_LATE_90001_7700001_homework-2.zip",
        "Homework 1_s101_attempt_2026-11-27-21-04-05_homework.zip",
        "12345-67890 - Anna Alt - Nov 27, 2026 904 PM/homework.zip",
        "Alt, Anna(s101)/Submission attachment(s)/homework.zip",
        "Alt, Anna/homework.zip",
        "s101/some/where/homework.zip",
    ],
)
def test_an_archive_in_a_platforms_export(
    folder: Make, homework: dict[str, bytes], week: Week, name: str
) -> None:
    place = folder("all", {name: zipped(homework), "Ute Bär_7_assignsubmission_file/x": "x"})
    found, problems = hand_in(place, week)
    assert whole(found["s101"].read(week), homework)
    assert not problems


@pytest.mark.parametrize(
    "ahead",
    [
        "altanna_90001_770000{}_",
        "altanna_LATE_90001_770000{}_",
        "Anna Alt_1234567_assignsubmission_file_",
        "Anna Alt_1234567_assignsubmission_file/",
        "Homework 1_s101_attempt_2026-11-27-21-04-05_",
        "s101_",
        "s101/",
        "s101/week 1/",
    ],
)
def test_loose_files_of_a_platforms_export(
    folder: Make, homework: dict[str, bytes], week: Week, ahead: str
) -> None:
    found, problems = hand_in(folder("all", flat(homework, ahead)), week)
    assert whole(found["s101"].read(week), homework)
    assert not problems


def test_a_file_that_was_handed_in_again_is_known_by_its_name(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    files = flat(homework, "altanna_90001_770000{}_")
    renamed = {
        name.replace("producer.py", "producer-2.py").replace("first.py", "first (1).py"): text
        for name, text in files.items()
    }
    found, _ = hand_in(folder("all", renamed), week)
    assert whole(found["s101"].read(week), homework)


def test_what_cannot_be_placed_stands_on_the_class_page(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    files = flat(homework, "altanna_90001_770000{}_") | {
        "essay.txt": b"x",
        "anon_aB3d5_7700009_producer.py": b"x",
        "unknownperson_90009_7700010_producer.py": b"x",
        "desktop.ini": b"x",
    }
    found, problems = hand_in(folder("all", files), week)
    assert set(found) == {"s101"}
    for name in ("essay.txt", "anon_aB3d5", "unknownperson"):
        assert any(name in problem for problem in problems), name
    assert len(problems) == 3


def test_words_beside_the_files_are_no_second_submission(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    files = {
        "Anna Alt_12_assignsubmission_file/homework.zip": zipped(homework),
        "Anna Alt_12_assignsubmission_onlinetext/onlinetext.html": b"<p>see the file",
        "Anna Alt_13_assignsubmission_file/homework.zip": b"a namesake's",
    }
    found, problems = hand_in(folder("all", files), week)
    assert not found  # two students of one name: nothing is guessed
    assert "several submissions" in problems[0]
    (mine, _) = find(folder("all", {}), week, BERLIN)
    assert whole(mine.read(week), homework)


def test_of_several_attempts_the_last_one_counts(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    ahead = "Homework 1_s101_attempt_2026-11-2{}-21-04-05"
    files = {f"{ahead.format(6)}_homework.zip": b"old", f"{ahead.format(6)}.txt": b"old"}
    files |= {f"{ahead.format(7)}_homework.zip": zipped(homework), f"{ahead.format(7)}.txt": b"x"}
    found, _ = hand_in(folder("all", files), week)
    assert whole(found["s101"].read(week), homework)
    assert found["s101"].submitted == datetime(2026, 11, 27, 20, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_tar_archives(folder: Make, homework: dict[str, bytes], week: Week, suffix: str) -> None:
    kind = {"tar": "w", "tgz": "w:gz"}.get(suffix, f"w:{suffix[4:]}")
    files = {f"./week 1/{name}": text for name, text in homework.items()}
    place = folder("all", {f"s101.{suffix}": tarred(files, kind)})
    found, _ = hand_in(place, week)
    assert whole(found["s101"].read(week), homework)
    evil = folder("evil", {f"s101.{suffix}": tarred({**files, "../x": b""}, kind)})
    assert "leads out" in hand_in(evil, week)[0]["s101"].read(week).refused


def test_a_tar_archive_that_grows_is_refused(
    folder: Make, week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 60 * 1024**2)
    bomb = tarred({"pipeline/producer.py": bytes(80 * 1024**2)}, "w:gz")
    found, _ = hand_in(folder("all", {"s101.tgz": bomb}), week)
    assert "more than" in found["s101"].read(week).refused
    broken, _ = hand_in(folder("broken", {"s101.tgz": b"\x1f\x8bno"}), week)
    assert "no tar archive" in broken["s101"].read(week).refused


def test_names_with_backslashes_are_paths(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    """Windows PowerShell 5.1 writes them; some tools unpack them into names like that."""
    turned = {name.replace("/", "\\"): text for name, text in homework.items()}
    files = {"s101.zip": zipped({"pipeline\\": b"", **turned})}
    found, _ = hand_in(folder("all", files), week)
    assert whole(found["s101"].read(week), homework)
    unpacked = folder("unpacked", {f"s101/{name}": text for name, text in turned.items()})
    assert whole(hand_in(unpacked, week)[0]["s101"].read(week), homework)
    out = folder("out", {"s101.zip": zipped({**turned, "..\\..\\x.py": b""})})
    assert "leads out" in hand_in(out, week)[0]["s101"].read(week).refused
    drive = folder("drive", {"s101.zip": zipped({**turned, "C:\\x.py": b"", "\\\\host\\x": b""})})
    assert hand_in(drive, week)[0]["s101"].read(week).refused


def test_names_are_compared_in_one_form(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    apart = unicodedata.normalize("NFD", "UTE  BÄR")
    place = folder("all", {f"{apart}/{name}": text for name, text in homework.items()})
    found, problems = hand_in(place, week)
    assert whole(found["s102"].read(week), homework)
    assert not problems
    student = Student(unicodedata.normalize("NFD", "bär"), email="Bär@Example.org")
    place = folder("more", {f"BÄR/{name}": text for name, text in homework.items()})
    assert len(hand_in(place, week, student)[0]) == 1
    cased = folder("case", {f"s101/{name.title()}": text for name, text in homework.items()})
    assert whole(hand_in(cased, week)[0]["s101"].read(week), homework)


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [
        ("OBrien Pat_1_assignsubmission_file", "Pat O'Brien"),
        ("obrienpat_1_2_homework", "O’Brien, Pat"),
        ("bergannavander_1_2_homework", "Anna van der Berg"),
        ("Anna-Maria Alt_1_assignsubmission_file", "Alt, Anna-Maria"),
    ],
)
def test_a_name_has_its_words_in_any_order(
    folder: Make, week: Week, folder_name: str, name: str
) -> None:
    place = folder("all", {f"{folder_name}/x": "x"})
    assert set(hand_in(place, week, Student("s1", name), Student("s2", "Anna Alt"))[0]) == {"s1"}


def test_two_who_would_fit_get_nothing(folder: Make, week: Week) -> None:
    place = folder("all", {"annaalt_1_2_homework.zip": "x"})
    found, problems = hand_in(place, week, Student("s1", "Anna Alt"), Student("s2", "Anna Alt"))
    assert not found
    assert "fits several students" in problems[0]


def test_several_archives_are_no_zero(folder: Make, homework: dict[str, bytes], week: Week) -> None:
    other = {**homework, "pipeline/producer.py": b"# later\n"}
    place = folder("all", {"s101/a.zip": zipped(homework), "s101/b.zip": zipped(other)})
    intake = hand_in(place, week)[0]["s101"].read(week)
    assert intake.unread
    assert "keep one" in intake.refused
    same = folder("same", {"s101/a.zip": zipped(homework), "s101/b.zip": zipped(homework)})
    assert whole(hand_in(same, week)[0]["s101"].read(week), homework)


def test_an_archive_beside_the_homework_is_named(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    files = {f"s101/{name}": text for name, text in homework.items()}
    place = folder("all", {**files, "s101/more.zip": zipped(homework)})
    notes = hand_in(place, week)[0]["s101"].read(week).notes
    assert any("more.zip, an archive" in note for note in notes)


def test_archives_within_archives_end(folder: Make, homework: dict[str, bytes], week: Week) -> None:
    twice = zipped({"homework.zip": zipped(homework)})
    assert whole(
        hand_in(folder("all", {"s101/a.zip": twice}), week)[0]["s101"].read(week), homework
    )
    deep = twice
    for _ in range(5):
        deep = zipped({"a.zip": deep})
    assert hand_in(folder("deep", {"s101.zip": deep}), week)[0]["s101"].read(week).refused
    evil = folder("evil", {"s101/a.zip": zipped({**homework, "../x.py": b""})})
    intake = hand_in(evil, week)[0]["s101"].read(week)
    assert "archive within (a.zip)" in intake.refused
    assert "leads out" in intake.refused


def test_a_loose_name_that_two_homework_files_have_is_no_zero(folder: Make) -> None:
    fifth = find_week("5")
    content = (fifth.solutions / "pipeline/models/dead_letters.py").read_bytes()
    place = folder("all", {"s101/dead_letters.py": content})
    intake = hand_in(place, fifth)[0]["s101"].read(fifth)
    assert intake.unread
    assert (
        "may be pipeline/api/dead_letters.py or pipeline/models/dead_letters.py" in intake.refused
    )
    placed = folder("placed", {"s101/models/dead_letters.py": content})
    (only,) = hand_in(placed, fifth)[0]["s101"].read(fifth).files
    assert str(only) == "pipeline/models/dead_letters.py"


def test_a_missing_file_that_lies_elsewhere_is_named(
    folder: Make, homework: dict[str, bytes], week: Week
) -> None:
    moved = {**homework, "first.py": homework["pipeline/tasks/first.py"]}
    del moved["pipeline/tasks/first.py"]
    place = folder("all", {f"s101/{name}": text for name, text in moved.items()})
    notes = hand_in(place, week)[0]["s101"].read(week).notes
    assert "pipeline/tasks/first.py is missing, and first.py has its name" in notes


def test_helpers_are_named(folder: Make, homework: dict[str, bytes], week: Week) -> None:
    producer = b"import words\n" + homework["pipeline/producer.py"]
    files = {
        **homework,
        "pipeline/producer.py": producer,
        "pipeline/tasks/helpers.py": b"",
        "words.py": b"",
        "test_mine.py": b"",
    }
    place = folder("all", {f"s101/{name}": text for name, text in files.items()})
    intake = hand_in(place, week)[0]["s101"].read(week)
    assert [str(path) for path in intake.helpers] == ["pipeline/tasks/helpers.py", "words.py"]
    assert set(map(str, intake.files)) == set(homework)
    loose = {**flat(homework, "altanna_1_{}_"), "altanna_1_9_helpers.py": b"x"}
    intake = hand_in(folder("loose", loose), week)[0]["s101"].read(week)
    assert [path.name for path in intake.helpers] == ["helpers.py"]
