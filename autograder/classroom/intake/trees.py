"""A submission as a tree of entries, before anything is taken of it: what a folder holds.

Nothing here is ever unpacked or copied: entries are listed, and single ones read.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Protocol

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


class Refused(Exception):
    """A submission of which nothing is taken. The text says why, to its student too."""


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


def too_long(name: str) -> bool:
    """Whether a path is longer than any honest one."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in name.split("/")]
    return sum(map(len, encoded)) + len(encoded) > MAX_NAME_BYTES or any(
        len(part) > MAX_PART_BYTES for part in encoded
    )


class FolderTree:
    """A folder on this machine. No link in it is ever followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> tuple[Entry, ...]:
        found: list[Entry] = []
        for parent, folders, names in os.walk(self.folder, followlinks=False):
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            folders[:] = sorted(set(folders) - set(links) - SKIPPED_FOLDERS)
            found += [self._entry(Path(parent) / name) for name in sorted([*names, *links])]
            if len(found) > MAX_ENTRIES:
                raise Refused(f"it holds more than {MAX_ENTRIES} files")
        return tuple(found)

    def _entry(self, path: Path) -> Entry:
        status = path.lstat()
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            kind = Kind.LINK
        elif not stat.S_ISREG(mode):
            kind = Kind.DEVICE
        else:
            kind = Kind.PRIVILEGED if mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE
        relative = path.relative_to(self.folder).as_posix()
        when = datetime.fromtimestamp(max(status.st_mtime, 0), UTC)
        return Entry(PurePosixPath(relative), kind, status.st_size, when, relative)

    def read(self, entry: Entry, limit: int) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with os.fdopen(os.open(self.folder / entry.key, flags), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Refused(f"{entry.path} is no longer a file")
                return file.read(limit)
        except OSError as error:
            raise Refused(f"{entry.path} cannot be read: {error.strerror}") from None
