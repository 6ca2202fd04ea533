"""Where submissions come from: a folder of folders and zip archives, an export, repositories.

A layout only says where each submission is, whose it may be, and when it came. `intake` reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from autograder.classroom.intake.allow_list import Intake, refusal, take
from autograder.classroom.intake.archives import is_archive, opened, without_suffix
from autograder.classroom.intake.git import GitTree, is_repository
from autograder.classroom.intake.moments import from_epoch, in_utc, moment
from autograder.classroom.intake.names import readable, shown
from autograder.classroom.intake.notebooks import NOTEBOOK
from autograder.classroom.intake.platforms import Named, named
from autograder.classroom.intake.trees import FolderTree, Refused, Tree, Unread
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

GRADESCOPE_FILE = "submission_metadata.yml"
NBGRADER_STAMP = "timestamp.txt"
MAX_STAMP = 100
"""Characters of it that are read."""
MAX_METADATA_BYTES = 16 * 1024 * 1024
MAX_SUBMISSIONS = 5_000
NOT_READ = (".7z", ".rar", ".gz", ".bz2", ".xz", ".zst")
NO_HAND_IN = ("__MACOSX", "Thumbs.db", "desktop.ini")


Take = Callable[[Tree, Week], Intake]
"""Takes what is graded out of a submission: `take` for homework, `take_notebook` for notebooks."""
Read = Callable[[Week, Take], Intake]
"""Opens a submission, and takes what is graded."""


@dataclass(frozen=True)
class HandIn:
    """One submission, found but not yet read."""

    name: str
    """Its folder or archive, or what the export calls it: text that a student may have chosen."""
    aliases: tuple[str, ...]
    """Ids, e-mail addresses and names by which its student may be in the roster."""
    reader: Read
    submitted: datetime | None = None
    """When it came, in UTC; None: nobody wrote it down."""
    person: str = ""
    """Its student's name, where the source knows one."""
    unclear: str = ""
    """What the source says of when it came, where that cannot be understood. No other source counts
    then: the instructor has to say."""
    stray: bool = False
    """A file of which nobody can tell whose it is."""
    until: Callable[[datetime], Read] | None = None
    """Of a repository: reads its last commit up to a moment, in UTC."""

    def read(self, week: Week, take: Take = take, before: datetime | None = None) -> Intake:
        """Open it, and take what is graded: by default the homework.

        Args:
            before: of a repository, take the last commit up to this moment, in UTC.

        Whatever it holds, and whatever goes wrong, it costs no other submission anything.
        """
        try:
            reader = self.until(before) if self.until and before else self.reader
            return reader(week, take)
        except Exception as error:
            return refusal(Unread(f"reading it failed ({type(error).__name__}: {error})"))


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
        found = tuple(_children(place, week, zone, revision))
    if all(one.stray for one in found):
        strays = ", ".join(shown(one.name) for one in found[:5])
        raise UsageError(
            f"There is no submission in {place}{', but ' if strays else ''}{strays}.",
            "It must hold one folder or zip archive per student.",
        )
    if len(found) > MAX_SUBMISSIONS:
        raise UsageError(f"{place} holds more than {MAX_SUBMISSIONS} submissions.")
    return found


def _children(place: Path, week: Week, zone: ZoneInfo, revision: str) -> Iterator[HandIn]:
    """The submissions in a folder; all that a platform gives the name of one student is one."""
    groups: dict[str, dict[Path, Named]] = defaultdict(dict)
    wanted = (*load_manifest(week).files, NOTEBOOK)
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or path.name in NO_HAND_IN:
            continue
        name = readable(path.name)
        says = None if path.is_symlink() else named(name, wanted, is_file=path.is_file())
        if says:
            groups[says.owner][path] = says
        else:
            yield _child(path, week, zone, revision)
    for group in groups.values():
        yield _exported_by_platform(place, group, week, zone)


def _exported_by_platform(
    place: Path, group: dict[Path, Named], week: Week, zone: ZoneInfo
) -> HandIn:
    """What a platform calls by one student's name. Of several attempts the last one counts."""
    last = max((one.when for one in group.values() if one.when), default=None)
    group = {path: one for path, one in group.items() if one.when == last}
    first, parts = (
        next(iter(group.values())),
        {path.name: one.within for path, one in group.items()},
    )
    stamp, unclear = in_utc(last, zone) if last else None, ""
    for folder in () if stamp else filter(Path.is_dir, group):
        stamp, unclear = _timestamp(folder, week, zone)
    name = readable(next(iter(parts))) if len(parts) == 1 else first.aliases[0]
    read = _reader(lambda: nullcontext(FolderTree(place, parts)))
    return HandIn(name, first.aliases, read, stamp, first.person, unclear)


def _child(path: Path, week: Week, zone: ZoneInfo, revision: str) -> HandIn:
    """The submission that an entry of the folder is."""
    name, suffix = readable(path.name), path.suffix.lower()
    if path.is_symlink():
        return HandIn(name, (name,), _refused("it is a link"))
    if path.is_dir():
        if revision and is_repository(path):
            return repository(name, (name,), str(path), revision)
        stamp, unclear = _timestamp(path, week, zone)
        read = _reader(lambda: nullcontext(FolderTree(path)))
        return HandIn(name, (name,), read, stamp, unclear=unclear)
    aliases = (without_suffix(name), name)
    if is_archive(path.name) and path.is_file():
        when = from_epoch(path.stat().st_mtime)
        return HandIn(name, aliases, _reader(lambda: opened(path.name, path)), when)
    if suffix in NOT_READ:
        return HandIn(name, aliases, _refused("hand in a folder or a zip archive"))
    return HandIn(name, (name,), _refused("it is no homework"), stray=True)


def repository(name: str, aliases: tuple[str, ...], place: str, revision: str) -> HandIn:
    """The submission that a commit of a repository is. Its time is the committer's claim."""

    def reader(before: datetime | None) -> Read:
        def read(week: Week, take: Take) -> Intake:
            try:
                with GitTree(place, revision, before) as tree:
                    found = take(tree, week)
                    return replace(found, modified=tree.committed, commit=tree.why, odd=tree.odd)
            except Refused as reason:
                return refusal(reason)

        return read

    return HandIn(name, aliases, reader(None), until=reader)


def _reader(tree: Callable[[], AbstractContextManager[Any]]) -> Read:
    def read(week: Week, take: Take) -> Intake:
        try:
            with tree() as entered:
                return take(entered, week)
        except Refused as reason:
            return refusal(reason)

    return read


def _refused(reason: str, kind: type[Refused] = Refused) -> Read:
    return lambda week, take: refusal(kind(reason))


def _timestamp(folder: Path, week: Week, zone: ZoneInfo) -> tuple[datetime | None, str]:
    """When nbgrader says that the submission came, or why nobody can understand it."""
    for path in (folder / week.name / NBGRADER_STAMP, folder / NBGRADER_STAMP):
        if path.is_file() and not path.is_symlink():
            try:
                with path.open(encoding="utf-8-sig") as file:
                    return moment(file.read(MAX_STAMP), zone), ""
            except (OSError, ValueError) as error:
                return None, f"{NBGRADER_STAMP}: {error}"
    return None, ""


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
        stamp, unclear = _moment(facts.get(":created_at"), zone)
        for person in _people(facts.get(":submitters")):
            known = [str(person.get(key) or "").strip() for key in (":sid", ":email", ":name")]
            aliases = tuple(filter(None, known)) or (str(name),)
            yield HandIn(str(name), aliases, read, stamp, known[-1], unclear)


def _exported(place: Path, name: str) -> Read:
    folder = place / name
    if folder.parent != place or folder.is_symlink() or not folder.is_dir():
        return _refused(f"{GRADESCOPE_FILE} names it, but there is no such folder", Unread)
    return _reader(lambda: nullcontext(FolderTree(folder)))


def _people(value: object) -> list[dict[str, object]]:
    """Who handed a submission in; one nobody where the export does not say."""
    people = value if isinstance(value, list) else []
    return [one for one in people if isinstance(one, dict)] or [{}]


def _moment(value: object, zone: ZoneInfo) -> tuple[datetime | None, str]:
    try:
        if isinstance(value, datetime):
            return in_utc(value, UTC), ""  # YAML means UTC where there is no offset
        return (moment(str(value), zone) if value else None), ""
    except ValueError as error:
        return None, f"{GRADESCOPE_FILE}: {error}"


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Plain values only; what carries a tag of Ruby's is read as if it had none."""


def _untagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_PlainLoader.add_multi_constructor("!", _untagged)
