"""A zip archive as a tree. Hostile ones are refused before a byte is unpacked.

Only homework files are ever read, and each only up to its limit; so what an archive claims of
itself is checked, but nothing depends on its being true.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from autograder.classroom.intake.trees import MAX_ENTRIES, Entry, Kind, Refused, too_long

MAX_ARCHIVE_BYTES = 25 * 1024 * 1024
"""A larger archive is not opened."""
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
"""The sum of the sizes that an archive may declare."""
MAX_RATIO = 200
"""Declared size to packed size, for archives that declare more than `RATIO_FROM_BYTES`."""
RATIO_FROM_BYTES = 10 * 1024 * 1024
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"[A-Za-z]:")


class ZipTree:
    """A zip archive. Use it in a `with` block.

    Raises (on entering):
        Refused: it is no zip archive, or too large.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile

    def __enter__(self) -> Self:
        try:
            if self.path.stat().st_size > MAX_ARCHIVE_BYTES:
                raise Refused(f"the archive is larger than {MAX_ARCHIVE_BYTES // 1024**2} MiB")
            self._zip = zipfile.ZipFile(self.path)
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise Refused(f"it is no zip archive that can be read: {error}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def entries(self) -> tuple[Entry, ...]:
        members = self._zip.infolist()
        if len(members) > MAX_ENTRIES:
            raise Refused(f"the archive holds more than {MAX_ENTRIES} entries")
        for member in members:
            _check_name(member)
        _check_sizes(members, self.path.stat().st_size)
        names = Counter(str(PurePosixPath(member.filename)) for member in members)
        if twice := [name for name, count in names.items() if count > 1]:
            raise Refused(f"the archive holds {twice[0]!r} more than once")
        return tuple(
            Entry(PurePosixPath(one.filename), _kind(one), one.file_size, key=one.filename)
            for one in members
            if not one.is_dir()
        )

    def read(self, entry: Entry, limit: int) -> bytes:
        try:
            with self._zip.open(entry.key) as file:
                return file.read(limit)
        except (
            OSError, EOFError, ValueError, RuntimeError, NotImplementedError,
            zipfile.BadZipFile, zlib.error,
        ) as error:  # fmt: skip
            raise Refused(f"{entry.path} in the archive cannot be read: {error}") from None


def _check_name(member: zipfile.ZipInfo) -> None:
    """Refuse a name that would leave the folder, or means different things to different tools."""
    # `filename` ends at a NUL, has its slashes turned, and may come from an extra field.
    for name in (member.orig_filename, member.filename):
        if problem := _problem(name):
            raise Refused(f"the archive entry {name[:80]!r} {problem}")


def _problem(name: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "has control characters in its name"
    if "\\" in name or _DRIVE.match(name):
        return "has a backslash or a drive in its name"
    if name.startswith("/"):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leads out of its folder"
    return "has too long a name" if too_long(name) else ""


def _check_sizes(members: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    declared = sum(member.file_size for member in members)
    if declared > MAX_UNPACKED_BYTES:
        raise Refused(f"unpacked, the archive would have {declared} bytes: that is a zip bomb")
    if declared > RATIO_FROM_BYTES and declared > MAX_RATIO * archive_bytes:
        raise Refused(f"the archive packs {declared} bytes into {archive_bytes}: it is a zip bomb")


def _kind(member: zipfile.ZipInfo) -> Kind:
    mode = member.external_attr >> 16  # Unix mode; 0 where another system made the archive
    if member.flag_bits & _ENCRYPTED:
        return Kind.ENCRYPTED
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Kind.DEVICE
    return Kind.PRIVILEGED if mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE
