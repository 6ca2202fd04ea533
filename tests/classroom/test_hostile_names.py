"""A class in which every submission is a hostile tree: each gets a status of its own, nobody else feels it.

No student code runs here: the graders are replaced by one that passes everything.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.intake import trees
from autograder.classroom.intake.sources import find
from autograder.classroom.output.gradebook import write_gradebook
from autograder.classroom.policy.summary import Status
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.stack.state import remove_tree

LATIN_1 = b"Jos\xe9"
"""A name that is not UTF-8, as a bad unzip leaves it."""
DEEP = 1_500
LONGEST = 255
PRODUCER = "pipeline/producer.py"
Make = Callable[[Path, dict[str, bytes]], None]


def copied(folder: Path, homework: dict[str, bytes]) -> None:
    for name, content in homework.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def deep(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    here = os.open(folder, os.O_DIRECTORY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def odd_bytes(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    for name in (LATIN_1, b"\x1b[2J\xff\n", b"pipeline/" + LATIN_1 + b".py"):
        (folder / os.fsdecode(name)).write_bytes(b"x")


def leads_out(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    (folder / "a\\..\\..\\b.py").write_bytes(b"x")


def odd_times(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    for name in homework:
        os.utime(folder / name, (2**36, 2**36))
    (folder / "timestamp.txt").write_text("9999-12-31T23:59:59-12:00")


def no_files(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    os.mkfifo(folder / "pipe")
    os.mknod(folder / "device", 0o600 | 0o020000, os.makedev(1, 5)) if os.geteuid() == 0 else None
    short = Path("/proc/self/fd") / str(handle := os.open(folder, os.O_DIRECTORY))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short / "socket"))
    os.close(handle)


def instead_of_homework(make: Callable[[Path], object]) -> Make:
    def hand_in(folder: Path, homework: dict[str, bytes]) -> None:
        copied(folder, homework)
        (folder / PRODUCER).unlink()
        make(folder / PRODUCER)

    return hand_in


def loops(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    (folder / "self").symlink_to(folder)
    (folder / "again").symlink_to("again")
    (folder / "pipeline" / "up").symlink_to("..")


def long_names(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    (folder / ("x" * LONGEST)).write_bytes(b"")
    (folder / ("ü" * (LONGEST // 2))).mkdir()


def without_rights(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    (folder / "closed").mkdir(mode=0)


def flood(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    (folder / "many").mkdir()
    first = folder / "many" / "0"
    first.touch()
    for number in range(1, trees.MAX_ENTRIES + 1):
        os.link(first, folder / "many" / str(number))


def flood_of_folders(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, homework)
    for number in range(trees.MAX_ENTRIES + 1):
        (folder / str(number)).mkdir()


def other_case(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, {name.title(): content for name, content in homework.items()})


def both_cases(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, {**homework, PRODUCER.title(): b"x"})


def zipped(folder: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(f"{folder}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def bomb(folder: Path, homework: dict[str, bytes]) -> None:
    with (
        zipfile.ZipFile(f"{folder}.zip", "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("pipeline/zeros.bin", "w") as zeros,
    ):
        for _ in range(300):
            zeros.write(bytes(1024**2))


def deep_zip(folder: Path, homework: dict[str, bytes]) -> None:
    zipped(folder, {**homework, "d/" * DEEP + "x": b""})


def large_extra_in_zip(folder: Path, homework: dict[str, bytes]) -> None:
    zipped(folder, {**homework, "data.bin": os.urandom(60 * 1024**2)})


def large_extra_of_zeros(folder: Path, homework: dict[str, bytes]) -> None:
    zipped(folder, {**homework, "data.bin": bytes(60 * 1024**2)})


def large_extra_in_tar(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, {**homework, "data.bin": os.urandom(60 * 1024**2)})
    with tarfile.open(f"{folder}.tar.gz", "w:gz", compresslevel=1) as packed:
        packed.add(folder, "homework")
    shutil.rmtree(folder)


def large_extra(folder: Path, homework: dict[str, bytes]) -> None:
    copied(folder, {**homework, "data.bin": bytes(60 * 1024**2)})


def empty(folder: Path, homework: dict[str, bytes]) -> None:
    (folder / "pipeline").mkdir(parents=True)


HOSTILE: dict[str, tuple[Make, Status]] = {
    "deep": (deep, Status.REFUSED),
    "odd-bytes": (odd_bytes, Status.GRADED),
    "leads-out": (leads_out, Status.REFUSED),
    "odd-times": (odd_times, Status.GRADED),
    "no-files": (no_files, Status.GRADED),
    "fifo": (instead_of_homework(os.mkfifo), Status.GRADED),
    "folder": (instead_of_homework(Path.mkdir), Status.GRADED),
    "loop": (instead_of_homework(lambda path: path.symlink_to(path.name)), Status.GRADED),
    "loops": (loops, Status.GRADED),
    "long-names": (long_names, Status.GRADED),
    "without-rights": (without_rights, Status.GRADED),
    "flood": (flood, Status.REFUSED),
    "flood-of-folders": (flood_of_folders, Status.REFUSED),
    "other-case": (other_case, Status.GRADED),
    "both-cases": (both_cases, Status.REFUSED),
    "bomb": (bomb, Status.REFUSED),
    "deep-zip": (deep_zip, Status.REFUSED),
    "large-zip": (large_extra_in_zip, Status.GRADED),
    "large-zeros": (large_extra_of_zeros, Status.GRADED),
    "large-tar": (large_extra_in_tar, Status.GRADED),
    "large": (large_extra, Status.GRADED),
    "empty": (empty, Status.MISSING),
}
"""How each is handed in, and what must become of it."""


def passed(jobs: Iterable[Job], processes: int) -> Generator[tuple[Job, Answer], None, None]:
    """In place of the graders: everybody has all points."""
    for job in jobs:
        manifest = load_manifest(find_week(job.week))
        chosen = [item for item in manifest.items if item.id in job.items]
        yield (
            job,
            Answer(
                tuple(
                    ItemRecord(
                        id=item.id, title=item.title, outcome=Outcome.PASSED, score=item.points,
                        max_score=item.points, seconds=0.1,
                    )
                    for item in chosen
                )
            ),
        )  # fmt: skip


def grade(options: Options, week: Week) -> tuple[dict[str, Any], int]:
    """Grade the class. Returns what `grades.json` holds, and how many submissions were graded."""
    assignment = Assignment(week, options)
    with assignment.held():
        tasks = assignment.tasks()
        if tasks:
            list(assignment.grade(tasks, passed, 2, retries=1))
        grades = assignment.grades()
        summary = assignment.publish(grades)
        write_gradebook(
            options.out / "gradebook.db", week, assignment.manifest, assignment.policy, grades
        )
    return summary, len(tasks)


@pytest.fixture
def submissions(tmp_path: Path) -> Iterator[Path]:
    (folder := tmp_path / "submissions").mkdir()
    yield folder
    remove_tree(folder)  # pytest's own way stops where folders are nested too deep


def test_the_worst_that_a_submission_gets_is_a_status_of_its_own(
    submissions: Path, homework: dict[str, bytes], week: Week, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(trees, "MAX_ENTRIES", 2 * DEEP)  # making more takes long
    for name, (hand_in, _) in HOSTILE.items():
        hand_in(submissions / name, homework)
    copied(submissions / os.fsdecode(LATIN_1), homework)
    copied(submissions / "\x1b[2J\u202e=1+1", homework)
    copied(submissions / ("l" * LONGEST), homework)
    os.mkfifo(submissions / "pipe.zip")
    expected = {name: status.value for name, (_, status) in HOSTILE.items()}
    for out in (options := Options(submissions, tmp_path / "grades"),) * 2:  # and when it goes on
        summary, graded = grade(out, week)
        found = {one["id"]: one["status"] for one in summary["students"]}
        assert {name: found.get(name) for name in expected} == expected
        assert found["José"] == "graded"
        assert set(found.values()) == {"graded", "refused", "missing"}
    assert graded == 0  # the second time, everything is kept
    for name in ("other-case", "odd-bytes", "large-zip", "large-zeros", "large-tar", "loops"):
        taken = options.out / "taken" / name
        assert {path: (taken / path).read_bytes() for path in homework} == homework
    assert len(list((options.out / "reports").iterdir())) == len(found)
    rows = list(csv.reader(io.StringIO((options.out / "scores.csv").read_text())))
    assert len(rows) == len(found) + 1
    assert "nothing in it" in (options.out / "class.html").read_text()


def test_a_name_in_latin_1_is_in_the_roster(
    submissions: Path, homework: dict[str, bytes], week: Week, tmp_path: Path
) -> None:
    copied(submissions / os.fsdecode(LATIN_1), homework)
    (tmp_path / "roster.csv").write_text("id,name\ns1,José\n")
    summary, _ = grade(Options(submissions, tmp_path / "out", tmp_path / "roster.csv"), week)
    assert [(one["id"], one["status"]) for one in summary["students"]] == [("s1", "graded")]


def test_what_breaks_while_it_is_read_is_not_read(
    submissions: Path, homework: dict[str, bytes], week: Week, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A fault that nobody has thought of costs its own submission alone, and no points."""
    copied(submissions / "anna", homework)
    copied(submissions / "ben", homework)
    read = trees.FolderTree.entries

    def entries(tree: trees.FolderTree) -> tuple[trees.Entry, ...]:
        if tree.folder.name == "ben":
            raise RecursionError("too deep")
        return read(tree)

    monkeypatch.setattr(trees.FolderTree, "entries", entries)
    summary, _ = grade(Options(submissions, tmp_path / "out"), week)
    found = {one["id"]: (one["status"], one["final"]) for one in summary["students"]}
    assert found == {"anna": ("graded", 10), "ben": ("not read", None)}


def test_a_folder_without_rights_is_not_read(
    submissions: Path, homework: dict[str, bytes], week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_rights(submissions / "anna", homework)
    scan = os.scandir

    def denied(path: Any) -> Any:
        if str(path).endswith("closed"):  # root may read it
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    (only,) = find(submissions, week, ZoneInfo("UTC"))
    assert only.read(week).unread
