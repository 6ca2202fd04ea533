"""Where submissions come from: a folder of folders and zip archives, an export, repositories.

A layout only says where each submission is, whose it may be, and when it came. `intake` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from autograder.classroom.intake.allow_list import Intake, take
from autograder.classroom.intake.archives import ZipTree
from autograder.classroom.intake.git import GitTree, is_repository
from autograder.classroom.intake.moments import in_utc, moment
from autograder.classroom.intake.names import MAX_SENTENCE, shown
from autograder.classroom.intake.trees import FolderTree, Refused
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

GRADESCOPE_FILE = "submission_metadata.yml"
NBGRADER_STAMP = "timestamp.txt"
MAX_METADATA_BYTES = 16 * 1024 * 1024
MAX_SUBMISSIONS = 5_000
ARCHIVES = (".zip",)
NOT_READ = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class HandIn:
    """One submission, found but not yet read."""

    name: str
    """Its folder or archive, or what the export calls it: text that a student may have chosen."""
    aliases: tuple[str, ...]
    """Ids, e-mail addresses and names by which its student may be in the roster."""
    read: Callable[[Week], Intake]
    submitted: datetime | None = None
    """When it came, in UTC; None: nobody wrote it down."""
    person: str = ""
    """Its student's name, where the source knows one."""


def find(place: Path, week: Week, zone: ZoneInfo, revision: str = "") -> tuple[HandIn, ...]:
    """The submissions in a folder, whatever its layout.

    Args:
        revision: read entries that are git repositories at this commit, branch or tag.

    Raises:
        UsageError: the folder holds none.
    """
    if not place.is_dir():
        raise UsageError(
            f"{place} is no folder.",
            "Unpack an export first: the folder must hold one folder or zip archive per student.",
        )
    if (place / GRADESCOPE_FILE).is_file():
        found = tuple(_gradescope(place, zone))
    else:
        children = sorted(path for path in place.iterdir() if not path.name.startswith("."))
        found = tuple(one for path in children if (one := _child(path, week, zone, revision)))
    if not found:
        raise UsageError(
            f"There is no submission in {place}.",
            "It must hold one folder or zip archive per student.",
        )
    if len(found) > MAX_SUBMISSIONS:
        raise UsageError(f"{place} holds more than {MAX_SUBMISSIONS} submissions.")
    return found


def _child(path: Path, week: Week, zone: ZoneInfo, revision: str) -> HandIn | None:
    """The submission that an entry of the folder is, or None for a stray file."""
    suffix = path.suffix.lower()
    if path.is_symlink():
        return HandIn(path.name, (path.name,), _refused("it is a link"))
    if path.is_dir():
        if revision and is_repository(path):
            return repository(path.name, (path.name,), str(path), revision)
        stamp = _timestamp(path, week, zone)
        return HandIn(path.name, (path.name,), _reader(lambda: _folder(path)), stamp)
    if suffix in ARCHIVES:
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        aliases = (path.stem, path.name)
        return HandIn(path.name, aliases, _reader(lambda: ZipTree(path)), when)
    if suffix in NOT_READ:
        return HandIn(
            path.name, (path.stem, path.name), _refused("hand in a folder or a zip archive")
        )
    return None


def repository(name: str, aliases: tuple[str, ...], place: str, revision: str) -> HandIn:
    """The submission that a commit of a repository is. Its time is the committer's claim."""

    def read(week: Week) -> Intake:
        try:
            with GitTree(place, revision) as tree:
                intake = take(tree, week)
                return Intake(intake.files, intake.notes, intake.refused, tree.committed)
        except Refused as reason:
            return Intake({}, refused=shown(str(reason), MAX_SENTENCE))

    return HandIn(name, aliases, read)


def _reader(tree: Callable[[], AbstractContextManager[Any]]) -> Callable[[Week], Intake]:
    def read(week: Week) -> Intake:
        try:
            with tree() as opened:
                return take(opened, week)
        except Refused as reason:
            return Intake({}, refused=shown(str(reason), MAX_SENTENCE))

    return read


@contextmanager
def _folder(path: Path) -> Iterator[FolderTree]:
    yield FolderTree(path)


def _refused(reason: str) -> Callable[[Week], Intake]:
    return lambda week: Intake({}, refused=reason)


def _timestamp(folder: Path, week: Week, zone: ZoneInfo) -> datetime | None:
    """When nbgrader says that the submission came."""
    for path in (folder / week.name / NBGRADER_STAMP, folder / NBGRADER_STAMP):
        if path.is_file() and not path.is_symlink():
            try:
                return moment(path.read_text(encoding="utf-8")[:100], zone)
            except (OSError, ValueError):
                return None
    return None


def _gradescope(place: Path, zone: ZoneInfo) -> Iterator[HandIn]:
    """The submissions of Gradescope's "Export Submissions". A group's counts for each member."""
    path = place / GRADESCOPE_FILE
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise UsageError(f"{path} is larger than {MAX_METADATA_BYTES} bytes.")
        data = yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"Cannot read {path}: {error}.", "Export the submissions again.") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path} lists no submissions.", "Export the submissions again.")
    for name, listed in data.items():
        facts = listed if isinstance(listed, dict) else {}
        read = _exported(place, str(name))
        stamp = _moment(facts.get(":created_at"), zone)
        for person in _people(facts.get(":submitters")):
            known = [str(person.get(key) or "").strip() for key in (":sid", ":email", ":name")]
            aliases = tuple(filter(None, known)) or (str(name),)
            yield HandIn(str(name), aliases, read, stamp, person=known[-1])


def _exported(place: Path, name: str) -> Callable[[Week], Intake]:
    folder = place / name
    if folder.parent != place or folder.is_symlink() or not folder.is_dir():
        return _refused(f"{GRADESCOPE_FILE} names it, but there is no such folder")
    return _reader(lambda: _folder(folder))


def _people(value: object) -> list[dict[str, object]]:
    """Who handed a submission in; one nobody where the export does not say."""
    people = value if isinstance(value, list) else []
    return [one for one in people if isinstance(one, dict)] or [{}]


def _moment(value: object, zone: ZoneInfo) -> datetime | None:
    if isinstance(value, datetime):
        return in_utc(value, ZoneInfo("UTC"))  # YAML means UTC where there is no offset
    try:
        return moment(str(value), zone) if value else None
    except ValueError:
        return None


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Plain values only; what carries a tag of Ruby's is read as if it had none."""


def _untagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_PlainLoader.add_multi_constructor("!", _untagged)
