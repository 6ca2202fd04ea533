"""A zip or tar archive as a tree. Hostile ones are refused before a byte is unpacked.

Only homework files are ever read, and each only up to its limit; so what an archive claims of
itself is checked, but nothing depends on its being true.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Self, TypeVar

from autograder.classroom.intake.trees import (
    MAX_ENTRIES,
    SKIPPED_FOLDERS,
    Entry,
    Kind,
    Refused,
    Unread,
    checked,
)

MAX_ARCHIVE_BYTES = 100 * 1024 * 1024
"""A larger archive is not opened."""
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
"""The sum of the sizes that an archive may declare."""
MAX_LISTED = 5 * MAX_ENTRIES
"""Entries that are looked at, those in folders that tools make included."""
MAX_READ_BYTES = 16 * 1024 * 1024
"""As much of an archive is read at once, whatever it says of the size of its own lists."""
_CHUNK_BYTES = 256 * 1024
_ENCRYPTED = 0x1
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError, MemoryError,
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What Python's readers raise where an archive is damaged or made to hurt."""
T = TypeVar("T")


class ZipTree:
    """A zip archive. Use it in a `with` block.

    Raises (on entering):
        Refused: it is no zip archive, or too large.
    """

    def __init__(self, archive: Path | bytes) -> None:
        self._archive = archive
        self._exit = ExitStack()
        self._zip: zipfile.ZipFile

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            stream = opened.enter_context(_stream(self._archive))
            try:
                self._zip = opened.enter_context(zipfile.ZipFile(stream))
            except _BROKEN as error:
                raise Refused(f"it is no zip archive that can be read: {error}") from None
            self._exit = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def entries(self) -> tuple[Entry, ...]:
        members = self._zip.infolist()
        for member in members:
            # `filename` ends at a NUL, has its slashes turned, and may come from an extra field.
            checked(member.orig_filename)
        found = _listed((one.filename, one.file_size, one) for one in members)
        return tuple(
            Entry(path, _kind(one), one.file_size, key=one.filename)
            for path, one in found
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
        self._exit = ExitStack()
        self._tar: tarfile.TarFile

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            stream = opened.enter_context(_stream(self._archive))
            try:
                unpacked = opened.enter_context(_unpacked(stream))
                self._tar = opened.enter_context(tarfile.open(fileobj=unpacked, mode="r:"))
            except _BROKEN as error:
                raise Refused(f"it is no tar archive that can be read: {error}") from None
            self._exit = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def entries(self) -> tuple[Entry, ...]:
        try:
            members = list(islice(self._tar, MAX_LISTED + 1))
        except _BROKEN as error:
            raise Refused(f"the archive cannot be listed: {error}") from None
        found = _listed((one.name, one.size, one) for one in members)
        return tuple(
            Entry(path, _tar_kind(one), one.size, key=one.name)
            for path, one in found
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


def _unpacked(packed: IO[bytes]) -> IO[bytes]:
    """What a compressed tar archive holds, in a temporary file; of another one, itself.

    Raises:
        Refused: it is more than any homework has.
    """
    head = packed.read(_MAGIC_BYTES)
    packed.seek(0)
    pieces = next(
        (unpack(packed) for magic, unpack in _PACKED.items() if head.startswith(magic)), None
    )
    if pieces is None:
        return packed
    size, target = 0, tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        for piece in pieces:
            size += target.write(piece)
            if size > MAX_UNPACKED_BYTES:
                most = f"{MAX_UNPACKED_BYTES // 1024**2} MiB"
                raise Refused(f"unpacked, the archive would have more than {most}")
        target.seek(0)
        return _Careful(target)
    except BaseException:
        target.close()
        raise


def _gzip_pieces(packed: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=packed) as file:
        yield from iter(lambda: file.read(_CHUNK_BYTES), b"")


def _pieces(
    packed: IO[bytes], unpack: bz2.BZ2Decompressor | lzma.LZMADecompressor
) -> Iterator[bytes]:
    while not unpack.eof:
        data = packed.read(_CHUNK_BYTES) if unpack.needs_input else b""
        if unpack.needs_input and not data:
            raise EOFError("the archive ends too early")
        yield unpack.decompress(data, _CHUNK_BYTES)


_PACKED: dict[bytes, Callable[[IO[bytes]], Iterator[bytes]]] = {
    b"\x1f\x8b": _gzip_pieces,
    b"BZh": lambda packed: _pieces(packed, bz2.BZ2Decompressor()),
    b"\xfd7zXZ": lambda packed: _pieces(packed, lzma.LZMADecompressor(memlimit=MAX_UNPACKED_BYTES)),
}
"""What compressed archives begin with, and how they are unpacked."""
_MAGIC_BYTES = max(map(len, _PACKED))


def _tar_kind(member: tarfile.TarInfo) -> Kind:
    if member.issym() or member.islnk():
        return Kind.LINK
    if not member.isreg():
        return Kind.DEVICE
    return Kind.PRIVILEGED if member.mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE


class _Careful(io.BufferedReader):
    """A file of which no reader takes much at once."""

    def read(self, size: int | None = -1) -> bytes:
        most = MAX_READ_BYTES + 1
        data = super().read(most if size is None or size < 0 else min(size, most))
        if len(data) == most:
            raise OSError(f"its lists are longer than {MAX_READ_BYTES // 1024**2} MiB")
        return data


def _stream(archive: Path | bytes) -> IO[bytes]:
    """An archive, open.

    Raises:
        Refused: it is too large; Unread: this machine cannot read it.
    """
    try:
        size = archive.stat().st_size if isinstance(archive, Path) else len(archive)
        if size > MAX_ARCHIVE_BYTES:
            raise Refused(f"the archive is larger than {MAX_ARCHIVE_BYTES // 1024**2} MiB")
        raw = io.FileIO(archive) if isinstance(archive, Path) else io.BytesIO(archive)
    except OSError as error:
        raise Unread(f"the archive cannot be read: {error.strerror}") from None
    return _Careful(raw)


def _listed(members: Iterable[tuple[str, int, T]]) -> list[tuple[PurePosixPath, T]]:
    """The path of each entry, from its name and its declared size; those in folders that tools make
    are left out, as in a folder.

    Raises:
        Refused: there are too many, they declare more bytes than any homework has, or a name stands
            twice: which one counts depends on who unpacks.
    """
    found: list[tuple[PurePosixPath, T]] = []
    declared = 0
    for name, size, member in members:
        path = checked(name)
        if not SKIPPED_FOLDERS.isdisjoint(path.parts):
            continue
        found.append((path, member))
        declared += size
        if len(found) > MAX_ENTRIES:
            raise Refused(f"the archive holds more than {MAX_ENTRIES} entries")
        if declared > MAX_UNPACKED_BYTES:
            most = f"{MAX_UNPACKED_BYTES // 1024**2} MiB"
            raise Refused(f"unpacked, the archive would have more than {most}: is it a zip bomb?")
    counted = Counter(path for path, _ in found)
    if twice := [path for path, count in counted.items() if count > 1]:
        raise Refused(f"the archive holds {str(twice[0])!r} more than once")
    return found


def _kind(member: zipfile.ZipInfo) -> Kind:
    mode = member.external_attr >> 16  # Unix mode; 0 where another system made the archive
    if member.flag_bits & _ENCRYPTED:
        return Kind.ENCRYPTED
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Kind.DEVICE
    return Kind.PRIVILEGED if mode & (stat.S_ISUID | stat.S_ISGID) else Kind.FILE
