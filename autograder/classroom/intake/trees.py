"""A submission as a tree of entries, before anything is taken of it: what a folder holds.

Nothing here is ever unpacked or copied: entries are listed, and single ones read.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

from autograder.classroom.intake.moments import from_epoch

MAX_ENTRIES = 20_000
"""A submission with more files and folders than this is refused."""
MAX_NAME_BYTES = 1_024
"""A path within a submission may have this many bytes."""
MAX_PART_BYTES = 255
"""And each of its parts this many: the limit of common file systems."""
SKIPPED_FOLDERS = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", "__MACOSX", ".ipynb_checkpoints"}
)
"""Tools make these. They cannot hold homework, so a folder's walk leaves them out."""
NO_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""File managers leave these. A submission that holds nothing else is empty."""

_DRIVE = re.compile(r"[A-Za-z]:")


class Refused(Exception):
    """A submission of which nothing is taken. The text says why, to its student too."""


class Unread(Refused):
    """A submission that could not be read through no fault of its student: blank, and no zero."""


class Empty(Refused):
    """There is nothing in it, so nothing was handed in."""


class Kind(StrEnum):
    """What an entry is. Only files are ever read."""

    FILE = "a file"
    LINK = "a link"
    DEVICE = "a device, pipe or socket"
    PRIVILEGED = "a file with setuid or setgid"
    SUBMODULE = "a git submodule"
    ENCRYPTED = "an encrypted file"


@dataclass(frozen=True)
class Entry:
    """One thing in a submission that is no folder."""

    path: PurePosixPath
    kind: Kind
    size: int
    """Bytes, as declared."""
    modified: datetime | None = None
    key: str = field(default="", compare=False)
    """What its tree finds it by."""


class Tree(Protocol):
    """What a student handed in."""

    def entries(self) -> tuple[Entry, ...]:
        """Everything in it. Raises Refused where the whole is hostile."""
        ...

    def read(self, entry: Entry, limit: int) -> bytes:
        """At most `limit` bytes of a file. Raises Refused if it cannot be read."""
        ...


def checked(name: str) -> PurePosixPath:
    r"""The path that a name in a submission means; some Windows tools write `\` for `/`.

    Raises:
        Refused: it would leave its folder, or means different things to different tools.
    """
    turned = name.replace("\\", "/")
    if problem := _problem(turned):
        turning = ", for a backslash counts as /" if turned != name else ""
        raise Refused(f"the entry {name[:80]!r} {problem}{turning}")
    return PurePosixPath(turned)


def _problem(name: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "has control characters in its name"
    if _DRIVE.match(name):
        return "has a drive in its name"
    if name.startswith("/"):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leads out of its folder"
    encoded = [part.encode("utf-8", "surrogatepass") for part in name.split("/")]
    size = sum(map(len, encoded)) + len(encoded)
    too_long = size > MAX_NAME_BYTES or max(map(len, encoded)) > MAX_PART_BYTES
    return "has too long a name" if too_long else ""


class FolderTree:
    """A folder on this machine. No link in it is ever followed.

    Args:
        parts: only these names in it, and what each is called in the submission.
    """

    def __init__(self, folder: Path, parts: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.parts = parts

    def entries(self) -> tuple[Entry, ...]:
        found: list[Entry] = []
        waiting, seen = [self.folder], 0  # no recursion: a folder may be nested thousands deep
        while waiting:
            here = waiting.pop()
            for one in self._listed(here):
                seen += 1
                if seen > MAX_ENTRIES:
                    raise Refused(f"it holds more than {MAX_ENTRIES} files and folders")
                path = here / one.name
                if not one.is_dir(follow_symlinks=False):
                    found.append(self._entry(path))
                elif one.name not in SKIPPED_FOLDERS and self._called(path):
                    waiting.append(path)
        return tuple(sorted(found, key=lambda entry: entry.key))

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        """What lies in a folder: at its top only the parts that were asked for."""
        try:
            with os.scandir(folder) as listing:
                found = list(islice(listing, MAX_ENTRIES + 1))
        except OSError as error:
            raise Unread(f"a folder in it cannot be read: {error.strerror}") from None
        chosen = self.parts if folder == self.folder else None
        return [one for one in found if chosen is None or one.name in chosen]

    def _called(self, path: Path) -> PurePosixPath:
        """What something in the folder is called in the submission.

        Raises:
            Refused: its name is too long, or its backslashes lead out.
        """
        first, *below = path.relative_to(self.folder).parts
        return as_found("/".join([(self.parts or {}).get(first, first), *below]))

    def _entry(self, path: Path) -> Entry:
        try:
            status = path.lstat()
        except OSError as error:
            raise Unread(f"a file in it cannot be read: {error.strerror}") from None
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            kind = Kind.LINK
        elif not stat.S_ISREG(mode):
            kind = Kind.DEVICE
        else:
            kind = Kind.PRIVILEGED if mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE
        when = from_epoch(status.st_mtime)
        key = str(path.relative_to(self.folder))
        return Entry(self._called(path), kind, status.st_size, when, key)

    def read(self, entry: Entry, limit: int) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with os.fdopen(os.open(self.folder / entry.key, flags), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Refused(f"{entry.path} is no longer a file")
                return file.read(limit)
        except OSError as error:
            kind = Refused if error.errno == errno.ELOOP else Unread  # it has become a link
            raise kind(f"{entry.path} cannot be read: {error.strerror}") from None


def as_found(name: str) -> PurePosixPath:
    """The path of a file that lies somewhere already, so that most odd names do no harm.

    Raises:
        Refused: it is too long, or its backslashes lead out.
    """
    return checked(name) if "\\" in name or len(name) > MAX_PART_BYTES else PurePosixPath(name)
