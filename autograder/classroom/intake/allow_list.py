"""What is taken of a submission: the homework files that the week's manifest names, and no more."""

from __future__ import annotations

import shutil
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from autograder.classroom.intake.names import MAX_SENTENCE, shown
from autograder.classroom.intake.trees import Entry, Kind, Refused, Tree
from autograder.run.submission import MAX_FILE_BYTES
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import WEEK_FOLDER, Week
from bootcamp.files import files_in, write_atomic

MAX_DEPTH = 6
"""Homework is looked for this many folders deep."""
MAX_NOTES = 20
CONFIGURATION = frozenset(
    {"conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "pyvenv.cfg"}
    | {"sitecustomize.py", "usercustomize.py"}
)
"""Files that change how Python or pytest run: worth a word when somebody hands one in."""
_ROOT = PurePosixPath()


@dataclass(frozen=True)
class Intake:
    """What was taken of one submission."""

    files: dict[PurePosixPath, bytes]
    """Contents by path, relative to the week's folder."""
    notes: tuple[str, ...] = ()
    """What was left out or is odd, for the instructor."""
    refused: str = ""
    """Why nothing was taken."""
    modified: datetime | None = None
    """When the newest homework file was changed, where the source knows."""


def take(tree: Tree, week: Week) -> Intake:
    """Take the week's homework files of a submission. A hostile one comes back as refused."""
    wanted = load_manifest(week).files
    try:
        entries = tree.entries()
        roots = find_roots([entry.path for entry in entries], wanted, week)
        if not roots:
            raise Refused(_nothing(entries, wanted, week))
        root = roots[0]
        chosen = _homework(entries, root, wanted)
        contents = {path: tree.read(entry, MAX_FILE_BYTES + 1) for path, entry in chosen.items()}
        given = _given(tree, entries, root, week)
    except Refused as reason:
        return Intake({}, refused=shown(str(reason), MAX_SENTENCE))
    large = {path for path, content in contents.items() if len(content) > MAX_FILE_BYTES}
    notes = [f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB" for path in sorted(large)]
    notes += [f"{path} is missing" for path in wanted if path not in contents]
    notes += [f"not looked at: another copy, in {shown(str(other))}" for other in roots[1:4]]
    notes += [
        f"left out: {path} was handed out, changes to it do not count" for path in given.changed
    ]
    known = {*chosen.values(), *given.entries}
    notes += left_out([entry for entry in entries if entry not in known])
    modified = max((one.modified for one in chosen.values() if one.modified), default=None)
    files = {path: content for path, content in contents.items() if path not in large}
    return Intake(files, tuple(notes), modified=modified)


def find_roots(
    paths: Iterable[PurePosixPath], wanted: Iterable[PurePosixPath], week: Week
) -> list[PurePosixPath]:
    """The folders within a submission that hold homework of the week, the best one first.

    The one with most of the files wins; then one named after the week, in `exercises`; then the
    shallowest. A folder of another week, and a copy of the solutions, is none.
    """
    found: Counter[PurePosixPath] = Counter()
    suffixes = {file.parts for file in wanted}
    for path in paths:
        for parts in suffixes:
            if path.parts[-len(parts) :] == parts:
                found[PurePosixPath(*path.parts[: -len(parts)])] += 1
    candidates = [root for root in found if len(root.parts) <= MAX_DEPTH and _may_be(root, week)]
    return sorted(
        candidates,
        key=lambda root: (
            -found[root],
            root.name != week.name,
            root.parent.name != "exercises",
            len(root.parts),
            str(root),
        ),
    )


def _may_be(root: PurePosixPath, week: Week) -> bool:
    others = (WEEK_FOLDER.fullmatch(part) for part in root.parts)
    return "solutions" not in root.parts and all(
        one is None or one[0] == week.name for one in others
    )


def _homework(
    entries: Iterable[Entry], root: PurePosixPath, wanted: Iterable[PurePosixPath]
) -> dict[PurePosixPath, Entry]:
    """The entry of each homework file that is there.

    Raises:
        Refused: which file is meant depends on who looks: names differ in case or encoding only,
            or one is also the name of a link above another.
    """
    entries = list(entries)
    alike: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        alike[_folded(entry.path)].append(entry)
    chosen = {}
    for file in wanted:
        path = root / file
        if len(same := alike[_folded(path)]) > 1:
            raise Refused(f"{same[0].path} and {same[1].path} are one file to some systems")
        for above in path.parents:
            if above != _ROOT and (clash := alike.get(_folded(above))):
                raise Refused(f"{clash[0].path} is {clash[0].kind}, and {path} lies below it")
        if same and same[0].path == path and same[0].kind is Kind.FILE:
            chosen[file] = same[0]
    return chosen


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFKC", str(path)).casefold()


class _Given(NamedTuple):
    """The files of a submission that were handed out with the homework."""

    entries: tuple[Entry, ...]
    changed: tuple[PurePosixPath, ...]


def _given(tree: Tree, entries: Iterable[Entry], root: PurePosixPath, week: Week) -> _Given:
    wanted = load_manifest(week).files
    at = {entry.path: entry for entry in entries if entry.kind is Kind.FILE}
    found, changed = [], []
    for file in map(PurePosixPath, files_in(week.exercises)):
        entry = at.get(root / file)
        if entry is not None and file not in wanted:
            found.append(entry)
            original = (week.exercises / file).read_bytes()
            if _text(tree.read(entry, MAX_FILE_BYTES)) != _text(original):
                changed.append(file)
    return _Given(tuple(found), tuple(changed))


def _text(content: bytes) -> bytes:
    """Without what editors and git change on their own: line ends."""
    return content.replace(b"\r\n", b"\n").rstrip()


def left_out(entries: Iterable[Entry]) -> list[str]:
    """Words on what was not taken: what is suspicious one by one, the rest as a number."""
    notes, others = [], 0
    for entry in entries:
        if entry.kind is not Kind.FILE:
            notes.append(f"left out: {shown(str(entry.path))}, {entry.kind}")
        elif entry.path.name.lower() in CONFIGURATION or entry.path.suffix.lower() == ".pth":
            notes.append(f"left out: {shown(str(entry.path))}, which changes how Python runs")
        else:
            others += 1
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [f"left out: {len(notes) - MAX_NOTES} more of this kind"]
    if others:
        notes.append(f"left out: {others} files that are no homework of this week")
    return notes


def _nothing(entries: tuple[Entry, ...], wanted: Iterable[PurePosixPath], week: Week) -> str:
    packed = [
        entry.path for entry in entries if entry.path.suffix.lower() in (".zip", ".rar", ".7z")
    ]
    if packed:
        return f"it holds an archive within ({packed[0]}), and no homework beside it"
    names = ", ".join(str(entry.path) for entry in entries[:5]) or "nothing"
    return f"it holds no homework of {week} ({', '.join(map(str, wanted))}), but: {names}"


def store(intake: Intake, folder: Path) -> None:
    """Write what was taken to `folder`, in place of all that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for relative, content in intake.files.items():
        write_atomic(folder / relative, content)
