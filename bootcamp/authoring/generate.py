"""Exercises from solutions: `exercises/weekNN/pipeline` is what `scaffold` leaves of the solution.

`exercises/weekNN/.scaffold.json` keeps a hash of every file as it was generated. A file that no
longer has its hash is somebody's work: it is never overwritten without `force`, and then backed up.
The homework page and everything else outside `pipeline` is left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootcamp.authoring.scaffold import STYLES, Limits, scaffold
from bootcamp.course.week_file import load_week_file
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError
from bootcamp.files import back_up, files_in, remove_file, shown, write_atomic

PACKAGES = ("pipeline", "task_tests")
"""Folders of a week that are generated. Week 8 also has tests that students write."""
RECORD = ".scaffold.json"


@dataclass(frozen=True)
class Changes:
    """What stands between a week's exercises and its solution. Paths are relative to the week.

    `write`: missing or different. `remove`: generated once, no longer in the solution.
    `edited`: those of them that hold somebody's work. `extra`: files the generator did not make.
    """

    write: tuple[Path, ...]
    remove: tuple[Path, ...]
    edited: tuple[Path, ...]
    extra: tuple[Path, ...]

    def __bool__(self) -> bool:
        return bool(self.write or self.remove)


def scaffolds(week: Week) -> dict[Path, bytes]:
    """Every file of the week's exercises as it is handed out, by its path in the week's folder.

    Raises:
        BootcampError: a mark in a solution is wrong, or a block breaks the week's limits.
    """
    allowed = load_week_file(week).blocks
    limits = Limits(allowed.lines, allowed.per_file)
    return {
        file: _scaffold_file(week.solutions / file, limits)
        for file in package_files(week.solutions)
    }


def package_files(folder: Path) -> list[Path]:
    """All files of the generated folders, relative to the week's folder."""
    return [Path(package) / file for package in PACKAGES for file in files_in(folder / package)]


def changes(week: Week, wanted: Mapping[Path, bytes]) -> Changes:
    """Compare the week's exercises with `wanted`. Writes nothing."""
    known = _read_record(week)
    present = {file: _read(week.exercises / file) for file in package_files(week.exercises)}
    write = [file for file, content in wanted.items() if present.get(file) != content]
    stale = [file for file in present if file not in wanted]
    remove = [file for file in stale if file in known]
    touched = [
        file
        for file in [*write, *remove]
        if file in present and _hash(present[file]) != known.get(file)
    ]
    extra = [file for file in stale if file not in known]
    return Changes(tuple(write), tuple(remove), tuple(touched), tuple(extra))


def generate(week: Week, *, force: bool = False) -> Changes:
    """Bring the week's exercises up to date with its solution. Returns what was changed.

    Raises:
        BootcampError: a file that would change holds somebody's work and `force` is not given,
            or a mark is wrong. Nothing has been changed then.
    """
    wanted = scaffolds(week)
    found = changes(week, wanted)
    if found.edited and not force:
        raise BootcampError(
            f"Somebody has worked on {_listing(week, found.edited)}. Nothing was changed.",
            "If that work may go, run again with --force: it is kept in .bootcamp/backups.",
        )
    if found.edited:
        back_up(week.exercises, found.edited)
    apply(week, wanted, found.write, found.remove)
    return found


def apply(
    week: Week, wanted: Mapping[Path, bytes], write: tuple[Path, ...], remove: tuple[Path, ...]
) -> None:
    """Write and remove these files of the week's exercises, and renew its record."""
    for file in write:
        write_atomic(week.exercises / file, wanted[file])
    for file in remove:
        remove_file(week.exercises, file)
    record = _record(wanted)
    if _read(week.exercises / RECORD) != record:
        write_atomic(week.exercises / RECORD, record)


def differences(week: Week) -> list[str]:
    """List, a line each, how the week's exercises differ from what the solution gives."""
    wanted = scaffolds(week)
    found = changes(week, wanted)
    present = set(files_in(week.exercises))
    lines = [f"missing   {shown(week.exercises / f)}" for f in found.write if f not in present]
    lines += [f"different {shown(week.exercises / f)}" for f in found.write if f in present]
    lines += [f"stale     {shown(week.exercises / f)}" for f in (*found.remove, *found.extra)]
    if _read(week.exercises / RECORD) != _record(wanted):
        lines.append(f"different {shown(week.exercises / RECORD)}")
    return lines


def _scaffold_file(path: Path, limits: Limits) -> bytes:
    content = path.read_bytes()
    if path.suffix not in STYLES:
        return content
    try:
        source = content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BootcampError(f"{shown(path)} is not UTF-8 text.", "Save it as UTF-8.") from error
    return scaffold(source, Path(shown(path)), limits).encode()


def _record(wanted: Mapping[Path, bytes]) -> bytes:
    hashes = {file.as_posix(): _hash(content) for file, content in sorted(wanted.items())}
    return (json.dumps(hashes, indent=1) + "\n").encode()


def _read_record(week: Week) -> dict[Path, str]:
    """Hashes of what was generated last. A broken record knows nothing, so nothing is lost."""
    try:
        hashes = json.loads(_read(week.exercises / RECORD) or "{}")
    except ValueError:
        hashes = None
    return {Path(file): value for file, value in hashes.items()} if isinstance(hashes, dict) else {}


def _read(path: Path) -> bytes | None:
    """Bytes of a file, with plain line ends; None if there is no such file."""
    return path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else None


def _hash(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()


def _listing(week: Week, files: tuple[Path, ...]) -> str:
    return ", ".join(shown(week.exercises / file) for file in files)
