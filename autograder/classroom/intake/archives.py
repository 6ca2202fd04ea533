"""A zip or tar archive as a tree. Hostile ones are refused before a byte is unpacked.

Only homework files are ever read, and each only up to its limit; so what an archive claims of
itself is checked, but nothing depends on its being true.
"""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from autograder.classroom.intake.trees import MAX_ENTRIES, Entry, Kind, Refused, Unread, checked

MAX_ARCHIVE_BYTES = 25 * 1024 * 1024
"""A larger archive is not opened."""
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
"""The sum of the sizes that an archive may declare."""
MAX_RATIO = 200
"""Declared size to packed size, for archives that declare more than `RATIO_FROM_BYTES`."""
RATIO_FROM_BYTES = 10 * 1024 * 1024
_ENCRYPTED = 0x1
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError, MemoryError,
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What Python's readers raise where an archive is damaged or made to hurt."""


class ZipTree:
    """A zip archive. Use it in a `with` block.

    Raises (on entering):
        Refused: it is no zip archive, or too large.
    """

    def __init__(self, archive: Path | bytes) -> None:
        self._archive = archive
        self._bytes = 0
        self._zip: zipfile.ZipFile

    def __enter__(self) -> Self:
        content = whole(self._archive)
        self._bytes = len(content)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
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
            # `filename` ends at a NUL, has its slashes turned, and may come from an extra field.
            checked(member.orig_filename)
        paths = [checked(member.filename) for member in members]
        check_sizes([member.file_size for member in members], self._bytes)
        check_twice(paths)
        return tuple(
            Entry(path, _kind(one), one.file_size, key=one.filename)
            for path, one in zip(paths, members, strict=True)
            if not one.filename.endswith(("/", "\\"))
        )

    def read(self, entry: Entry, limit: int) -> bytes:
        try:
            with self._zip.open(entry.key) as file:
                return file.read(limit)
        except _BROKEN as error:
            raise Refused(f"{entry.path} in the archive cannot be read: {error}") from None


class TarTree:
    """A tar archive, compressed or not. Use it in a `with` block.

    Raises (on entering):
        Refused: it is no tar archive, or too large.
    """

    def __init__(self, archive: Path | bytes) -> None:
        self._archive = archive
        self._bytes = 0
        self._tar: tarfile.TarFile

    def __enter__(self) -> Self:
        content = whole(self._archive)
        self._bytes = len(content)
        try:
            self._tar = tarfile.open(fileobj=io.BytesIO(_unpacked(content)), mode="r:")
        except _BROKEN as error:
            raise Refused(f"it is no tar archive that can be read: {error}") from None
        return self

    def __exit__(self, *error: object) -> None:
        self._tar.close()

    def entries(self) -> tuple[Entry, ...]:
        try:
            members = list(islice(self._tar, MAX_ENTRIES + 1))
        except _BROKEN as error:
            raise Refused(f"the archive cannot be listed: {error}") from None
        if len(members) > MAX_ENTRIES:
            raise Refused(f"the archive holds more than {MAX_ENTRIES} entries")
        paths = [checked(member.name) for member in members]
        check_sizes([member.size for member in members], self._bytes)
        check_twice(paths)
        return tuple(
            Entry(path, _tar_kind(one), one.size, key=one.name)
            for path, one in zip(paths, members, strict=True)
            if not one.isdir()
        )

    def read(self, entry: Entry, limit: int) -> bytes:
        try:
            file = self._tar.extractfile(entry.key)
            return file.read(limit) if file else b""
        except _BROKEN as error:
            raise Refused(f"{entry.path} in the archive cannot be read: {error}") from None


def is_archive(name: str) -> bool:
    """Whether a file of that name is an archive that can be read."""
    return name.lower().endswith((".zip", *_TARS))


def without_suffix(name: str) -> str:
    """The name without what says that it is an archive."""
    tar = next((suffix for suffix in _TARS if name.lower().endswith(suffix)), "")
    return name[: -len(tar)] if tar else PurePosixPath(name).stem


def opened(name: str, archive: Path | bytes) -> ZipTree | TarTree:
    """An archive as a tree."""
    return ZipTree(archive) if name.lower().endswith(".zip") else TarTree(archive)


def _unpacked(content: bytes) -> bytes:
    """What a compressed tar archive holds.

    Raises:
        Refused: it is more than any homework has.
    """
    most = MAX_UNPACKED_BYTES // 4 + 1  # it is held in memory
    if content.startswith(b"\x1f\x8b"):
        content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, most)
    elif content.startswith(b"BZh"):
        content = bz2.BZ2Decompressor().decompress(content, most)
    elif content.startswith(b"\xfd7zXZ"):
        content = lzma.LZMADecompressor(memlimit=MAX_UNPACKED_BYTES).decompress(content, most)
    if len(content) >= most:
        raise Refused(f"unpacked, the archive would have more than {most - 1} bytes")
    return content


def _tar_kind(member: tarfile.TarInfo) -> Kind:
    if member.issym() or member.islnk():
        return Kind.LINK
    if not member.isreg():
        return Kind.DEVICE
    return Kind.PRIVILEGED if member.mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE


def whole(archive: Path | bytes) -> bytes:
    """An archive's bytes.

    Raises:
        Refused: it is too large; Unread: this machine cannot read it.
    """
    try:
        large = isinstance(archive, Path) and archive.stat().st_size > MAX_ARCHIVE_BYTES
        content = b"" if large else archive.read_bytes() if isinstance(archive, Path) else archive
    except OSError as error:
        raise Unread(f"the archive cannot be read: {error.strerror}") from None
    if large or len(content) > MAX_ARCHIVE_BYTES:
        raise Refused(f"the archive is larger than {MAX_ARCHIVE_BYTES // 1024**2} MiB")
    return content


def check_twice(paths: list[PurePosixPath]) -> None:
    """Refuse an archive in which a name stands twice: which one counts depends on who unpacks."""
    if twice := [path for path, count in Counter(paths).items() if count > 1]:
        raise Refused(f"the archive holds {str(twice[0])!r} more than once")


def check_sizes(sizes: list[int], archive_bytes: int) -> None:
    """Refuse an archive that declares more than any homework has."""
    declared = sum(sizes)
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
