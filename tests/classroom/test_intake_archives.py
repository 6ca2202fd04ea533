"""Zip archives: honest ones are read without unpacking, hostile ones are refused whole."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.intake import archives, trees
from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.sources import find
from bootcamp.course.weeks import Week

Make = Callable[..., Path]
PRODUCER = "pipeline/producer.py"


def taken(path: Path, week: Week) -> Intake:
    (only,) = find(path.parent, week, ZoneInfo("UTC"))
    return only.read(week)


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_an_honest_archive(archive: Make, homework: dict[str, bytes], week: Week) -> None:
    extra = {"__MACOSX/._x": b"x", "Résumé.pdf": b"x", "my notes: week 1.txt": b"x"}
    files = {f"week 1/{name}": text for name, text in homework.items()}
    intake = taken(archive("in/anna.zip", {**files, **extra}), week)
    assert not intake.refused
    assert {str(path): text for path, text in intake.files.items()} == homework


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../evil.py", "leads out"),
        ("pipeline/../../evil.py", "leads out"),
        ("/etc/cron.d/evil", "absolute"),
        ("C:/Windows/evil.py", "drive"),
        ("pipeline\\..\\evil.py", "backslash"),
        ("pipeline/\x1b[2Jevil.py", "control"),
        ("x" * 300, "too long"),
        ("/".join(["deep"] * 400), "too long"),
    ],
)
def test_names_that_leave_the_folder(
    archive: Make, homework: dict[str, bytes], week: Week, name: str, words: str
) -> None:
    intake = taken(archive("in/m.zip", {**homework, name: b"x"}), week)
    assert words in intake.refused
    assert not intake.files


def test_a_nul_in_a_name(archive: Make, homework: dict[str, bytes], week: Week) -> None:
    path = archive("in/m.zip", {**homework, "pipeline/zz.pyXpng": b"x"})
    path.write_bytes(path.read_bytes().replace(b"zz.pyXpng", b"zz.py\0png"))
    assert "control characters" in taken(path, week).refused


def test_a_second_name_in_an_extra_field(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    entry = zipfile.ZipInfo("harmless.txt")
    name = b"../../evil.py"
    checksum = struct.pack("<BL", 1, zipfile.crc32(b"harmless.txt"))  # type: ignore[attr-defined]
    entry.extra = struct.pack("<HH", 0x7075, len(checksum) + len(name)) + checksum + name
    intake = taken(archive("in/m.zip", {**homework, entry: b"x"}), week)
    # Where Python heeds the field, the name leads out; where it does not, the file is a stranger.
    assert "leads out" in intake.refused or "harmless" not in str(intake.files)


def test_the_same_name_twice(archive: Make, homework: dict[str, bytes], week: Week) -> None:
    path = archive("in/m.zip", dict(homework))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as packed:
            packed.writestr(PRODUCER, b"# another\n")
    assert "more than once" in taken(path, week).refused


@pytest.mark.parametrize(
    "name", ["Pipeline/producer.py", "pipeline/PRODUCER.py", "pipeline/ｐroducer.py"]
)
def test_names_that_are_the_same_to_some_systems(
    archive: Make, homework: dict[str, bytes], week: Week, name: str
) -> None:
    assert "one file" in taken(archive("in/m.zip", {**homework, name: b"x"}), week).refused


def test_links_are_left_out_and_one_above_the_homework_is_refused(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    others = {name: text for name, text in homework.items() if name != PRODUCER}
    files: dict[Any, bytes] = {**others, link(PRODUCER): b"/etc/passwd", link("more"): b"/"}
    intake = taken(archive("in/m.zip", files), week)
    assert PRODUCER not in map(str, intake.files)
    assert any(f"{PRODUCER}, a link" in note for note in intake.notes)
    above = archive("above/m.zip", {**homework, link("pipeline"): b"/etc"})
    assert "pipeline is a link" in taken(above, week).refused


def test_a_bomb_by_its_declared_size(
    archive: Make, homework: dict[str, bytes], week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive("in/m.zip", {**homework, "zeros": bytes(12 * 1024 * 1024)})
    assert not taken(path, week).refused  # it is left out, as it is in a folder
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 10 * 1024 * 1024)
    assert "zip bomb" in taken(path, week).refused


def test_a_bomb_that_lies_about_its_size(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    size = 64 * 1024 * 1024
    path = archive("in/m.zip", {**homework, PRODUCER: bytes(size)})
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", size), struct.pack("<L", 100)))
    intake = taken(path, week)
    # Unpacking ends at the declared 100 bytes: what comes is refused, or is 100 bytes, never 64 MB.
    assert intake.refused or len(b"".join(intake.files.values())) < size / 100


def test_a_file_that_unpacks_beyond_its_limit_is_not_taken(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    intake = taken(archive("in/m.zip", {**homework, PRODUCER: bytes(1024 * 1024)}), week)
    assert PRODUCER not in map(str, intake.files)
    assert any("larger than" in note for note in intake.notes)


def test_too_many_entries(archive: Make, homework: dict[str, bytes], week: Week) -> None:
    flood = {f"{number}": b"" for number in range(trees.MAX_ENTRIES + 1)}
    assert "more than" in taken(archive("in/m.zip", {**homework, **flood}), week).refused


def test_what_tools_make_does_not_count(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    made = {f"week 1/.venv/lib/{number}": b"" for number in range(trees.MAX_ENTRIES + 1)}
    intake = taken(archive("in/m.zip", {**homework, **made}), week)
    assert not intake.refused
    assert not intake.notes


def test_a_directory_that_is_too_long_is_not_read(
    archive: Make, homework: dict[str, bytes], week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_READ_BYTES", 10_000)
    flood = {f"{'x' * 200}/{number}": b"" for number in range(100)}
    assert "lists are longer" in taken(archive("in/m.zip", {**homework, **flood}), week).refused


def test_an_archive_that_is_too_large(
    archive: Make, week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 100)
    assert "larger than" in taken(archive("in/m.zip", {"a": b"x" * 100}), week).refused


def test_an_archive_in_an_archive(archive: Make, homework: dict[str, bytes], week: Week) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        for name, text in homework.items():
            packed.writestr(name, text)
    intake = taken(archive("in/m.zip", {"inner.zip": inner.getvalue()}), week)
    assert {str(path): text for path, text in intake.files.items()} == homework
    assert "read from inner.zip, an archive within" in intake.notes


def test_broken_bytes(
    tmp_path: Path, archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "m.zip").write_bytes(b"this is no archive")
    assert "no zip archive" in taken(tmp_path / "a" / "m.zip", week).refused
    path = archive("b/m.zip", dict(homework))
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)  # in the first file's data
    path.write_bytes(content)
    assert "cannot be read" in taken(path, week).refused


def test_an_encrypted_file_is_no_homework(
    archive: Make, homework: dict[str, bytes], week: Week
) -> None:
    path = archive("in/m.zip", dict(homework))
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 8  # the flags of the first entry in the directory
    path.write_bytes(content[:at] + bytes([content[at] | 1]) + content[at + 1 :])
    intake = taken(path, week)
    assert any("an encrypted file" in note for note in intake.notes)
