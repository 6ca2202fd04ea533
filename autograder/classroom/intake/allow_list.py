"""What is taken of a submission: the homework files that the week's manifest names, and no more."""

from __future__ import annotations

import shutil
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from autograder.classroom.intake.archives import MAX_ARCHIVE_BYTES, is_archive, opened
from autograder.classroom.intake.names import MAX_SENTENCE, folded, shown, without_places
from autograder.classroom.intake.platforms import original
from autograder.classroom.intake.trees import (
    NO_FILES,
    Empty,
    Entry,
    Kind,
    Refused,
    Tree,
    Unread,
)
from autograder.run.submission import MAX_FILE_BYTES, helpers
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import WEEK_FOLDER, Week
from bootcamp.files import files_in, write_atomic

MAX_DEPTH = 6
"""Homework is looked for this many folders deep."""
MAX_NOTES = 20
MAX_NESTED = 2
"""An archive in an archive is opened; one in that is not."""
MAX_ARCHIVES = 8
"""Archives within a submission that are opened."""
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
    unread: bool = False
    """Nothing was taken through no fault of the student's: that is no zero."""
    empty: bool = False
    """There is nothing in it: it counts as not handed in."""
    helpers: tuple[PurePosixPath, ...] = ()
    """Files of the student's own, which the homework may need, and which are not taken."""
    modified: datetime | None = None
    """When the newest homework file was changed, where the source knows."""
    commit: str = ""
    """Which commit of a repository it is, and why that one, in words."""
    odd: str = ""
    """What is wrong with when it was made, in words."""


def refusal(reason: Refused) -> Intake:
    """A submission of which nothing is taken."""
    words = shown(without_places(str(reason)), MAX_SENTENCE)
    unread, empty = isinstance(reason, Unread), isinstance(reason, Empty)
    return Intake({}, refused=words, unread=unread, empty=empty)


def take(tree: Tree, week: Week, depth: int = 0) -> Intake:
    """Take the week's homework files of a submission. A hostile one comes back as refused.

    They may lie in an archive within, as learning platforms hand it on, or beside each other.
    """
    wanted = load_manifest(week).files
    try:
        entries = listed(tree)
        roots = find_roots([entry.path for entry in entries], wanted, week)
        inner, problem = (None, "") if roots else within(tree, entries, week, depth, take)
        if inner:
            return inner
        root = roots[0] if roots else _ROOT
        chosen = _homework(entries, root, wanted) if roots else loose(entries, wanted, week)
        if not chosen and (problem or not roots):
            raise Refused(problem or _nothing(entries, wanted, week))
        contents = {path: tree.read(entry, MAX_FILE_BYTES + 1) for path, entry in chosen.items()}
        given = _given(tree, entries, root, week)
    except Refused as reason:
        return refusal(reason)
    large = {path for path, content in contents.items() if len(content) > MAX_FILE_BYTES}
    notes = [f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB" for path in sorted(large)]
    notes += [_missing(path, entries) for path in wanted if path not in contents]
    notes += [
        f"not looked at: {shown(str(one.path))}, an archive" for one in _archives(entries)[:4]
    ]
    if problem:
        notes.append(f"not taken: {problem}")
    notes += [f"not looked at: another copy, in {shown(str(other))}" for other in roots[1:4]]
    notes += [
        f"left out: {path} was handed out, changes to it do not count" for path in given.changed
    ]
    known = {*chosen.values(), *given.entries}
    others = [entry for entry in entries if entry not in known]
    placed = _placed(others, root) if roots else _placed_loose(others, week)
    own = helpers(week, placed, contents)
    named = {placed[path] for path in own}
    notes += left_out([entry for entry in others if entry not in named])
    notes += [
        f"left out: {shown(str(path))}, which is no homework file" for path in own[:MAX_NOTES]
    ]
    modified = max((one.modified for one in chosen.values() if one.modified), default=None)
    files = {path: content for path, content in contents.items() if path not in large}
    return Intake(files, tuple(notes), modified=modified, helpers=own)


def listed(tree: Tree) -> tuple[Entry, ...]:
    """What is in a submission.

    Raises:
        Refused: the whole is hostile; Empty: nothing is.
    """
    entries = tree.entries()
    if all(one.path.name in NO_FILES for one in entries):
        raise Empty("there is nothing in it")
    return entries


def _archives(entries: Iterable[Entry]) -> list[Entry]:
    return [one for one in entries if one.kind is Kind.FILE and is_archive(one.path.name)]


def within(
    tree: Tree,
    entries: Iterable[Entry],
    week: Week,
    depth: int,
    take: Callable[[Tree, Week, int], Intake],
) -> tuple[Intake | None, str]:
    """What the one archive within a submission holds, or why nothing is taken of it.

    Raises:
        Unread: several hold homework, and it differs.
    """
    found: dict[str, Intake] = {}
    problem = ""
    packed = [] if depth == MAX_NESTED else _archives(entries)
    for entry in packed[:MAX_ARCHIVES]:
        name = shown(str(entry.path))
        try:
            with opened(entry.path.name, tree.read(entry, MAX_ARCHIVE_BYTES + 1)) as inner:
                intake = take(inner, week, depth + 1)
        except Refused as reason:
            intake = refusal(reason)
        if intake.unread:
            raise Unread(f"an archive within ({name}): {intake.refused}")
        if intake.refused:
            problem = problem or f"an archive within ({name}): {intake.refused}"
        else:
            when = intake.modified or entry.modified
            note = f"read from {name}, an archive within"
            found[name] = replace(intake, notes=(*intake.notes, note), modified=when)
    if len({tuple(sorted(one.files.items())) for one in found.values()}) > 1:
        raise Unread(f"several archives within hold homework: {', '.join(found)}; keep one")
    return next(iter(found.values()), None), problem


def loose(
    entries: Iterable[Entry], wanted: Iterable[PurePosixPath], week: Week
) -> dict[PurePosixPath, Entry]:
    """The homework in files that lie beside each other, as platforms flatten it: by their names.

    Raises:
        Unread: it is not clear which file is meant.
    """
    chosen: dict[PurePosixPath, Entry] = {}
    for entry in entries:
        if entry.kind is not Kind.FILE or not _may_be(entry.path.parent, week):
            continue
        fitting = _called(entry.path, wanted)
        if len(fitting) > 1:
            names = " or ".join(map(str, fitting))
            raise Unread(
                f"{shown(str(entry.path))} may be {names}: hand in the folder, or a zip of it"
            )
        for file in fitting:
            if (other := chosen.setdefault(file, entry)) is not entry:
                both = f"{shown(str(other.path))} and {shown(str(entry.path))}"
                raise Unread(f"{both} may both be {file}: keep one")
    return chosen


def _called(path: PurePosixPath, wanted: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """The homework files whose name this one has; those that share its folder's name, if any do."""
    name = folded(original(path.name))
    same = [file for file in wanted if folded(file.name) == name]
    near = [file for file in same if folded(file.parent.name) == folded(path.parent.name)]
    return near or same


def _missing(wanted: PurePosixPath, entries: Iterable[Entry]) -> str:
    name = folded(wanted.name)
    others = [one.path for one in entries if folded(original(one.path.name)) == name]
    called = f", and {shown(str(others[0]))} has its name" if others else ""
    return f"{wanted} is missing{called}"


def _placed(entries: Iterable[Entry], root: PurePosixPath) -> dict[PurePosixPath, Entry]:
    """Files by their path in the week's folder."""
    below = [one for one in entries if one.kind is Kind.FILE and one.path.is_relative_to(root)]
    return {one.path.relative_to(root): one for one in below}


def _placed_loose(entries: Iterable[Entry], week: Week) -> dict[PurePosixPath, Entry]:
    """The same for files that lie beside each other: what was not handed out may lie anywhere."""
    handed_out = {path.name for path in files_in(week.exercises)}
    files = {original(one.path.name): one for one in entries if one.kind is Kind.FILE}
    return {PurePosixPath("pipeline", name): files[name] for name in files.keys() - handed_out}


def find_roots(
    paths: Iterable[PurePosixPath], wanted: Iterable[PurePosixPath], week: Week
) -> list[PurePosixPath]:
    """The folders within a submission that hold homework of the week, the best one first.

    The one with most of the files wins; then one named after the week, in `exercises`; then the
    shallowest. A folder of another week, and a copy of the solutions, is none.
    """
    found: Counter[PurePosixPath] = Counter()
    suffixes = {PurePosixPath(_folded(file)).parts for file in wanted}
    for path in paths:
        same = PurePosixPath(_folded(path)).parts
        for parts in suffixes:
            if same[-len(parts) :] == parts:
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
        if same and same[0].kind is Kind.FILE:
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
    names = ", ".join(str(entry.path) for entry in entries[:5])
    return f"it holds no homework of {week} ({', '.join(map(str, wanted))}), but: {names}"


def store(intake: Intake, folder: Path) -> None:
    """Write what was taken to `folder`, in place of all that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for relative, content in intake.files.items():
        write_atomic(folder / relative, content)
