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

import pytest

from autograder.classroom.assignment import Assignment, Options
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.intake import trees
from autograder.classroom.policy.summary import Status
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week

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
    for name in (LATIN_1, b"\x1b[2J\xff\n", b"a\\..\\b.py", b"\\\xe9.py"):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(b"x")
    (Path(os.fsdecode(os.fsencode(folder) + b"/pipeline/" + LATIN_1 + b".py"))).write_bytes(b"")


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
    with zipfile.ZipFile(f"{folder}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("pipeline/zeros.bin", "w") as zeros:
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
    "odd-bytes": (odd_bytes, Status.REFUSED),
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
