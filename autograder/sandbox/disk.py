"""What a submission has on disk, looked at in a way that its links, pipes and depths cannot harm."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

MAX_DISK_BYTES = 1024**3
"""All that a submission may write, its documents in the blob store too."""
MAX_ENTRIES = 20_000
MAX_DEPTH = 64
"""Folders within folders. Deeper down, paths grow too long to be looked at."""
BLOCK_BYTES = 512
"""The unit of `st_blocks`."""


def entries(folder: Path) -> Iterator[tuple[os.DirEntry[str], int]]:
    """Everything below a folder and how deep it lies, down to `MAX_DEPTH`. Follows no link.

    What vanishes meanwhile is passed over.
    """
    waiting = [(os.fspath(folder), 1)]
    while waiting:
        place, depth = waiting.pop()
        try:
            with os.scandir(place) as found:
                for entry in found:
                    yield entry, depth
                    if depth < MAX_DEPTH and entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
        except OSError:
            continue


def too_much_disk(folder: Path) -> str:
    """Why a folder holds more than it may, or ""."""
    size = count = 0
    for entry, depth in entries(folder):
        count += 1
        if depth >= MAX_DEPTH:
            return f"it filled the disk with folders in folders, more than {MAX_DEPTH} deep"
        if count > MAX_ENTRIES:
            return f"it filled the disk with more than {MAX_ENTRIES:,} files"
        try:
            size += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
        except OSError:
            continue
        if size > MAX_DISK_BYTES:
            return f"it wrote more than {MAX_DISK_BYTES // 1024**2:,} MiB to disk"
    return ""


def read_below(folder: Path, relative: str, limit: int) -> bytes | None:
    """At most `limit` bytes of a file below a folder that a submission may write to.

    None where no ordinary file is: a link on the way there is not followed, a pipe not waited for.
    """
    try:
        descriptor = _open_below(folder, relative, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def write_below(folder: Path, relative: str, content: bytes) -> bool:
    """Make a new file below such a folder. False where something is in the way."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = _open_below(folder, relative, flags, make_folders=True)
    except (OSError, ValueError):
        return False
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o644)
        file.write(content)
    return True


def _open_below(folder: Path, relative: str, flags: int, make_folders: bool = False) -> int:
    """Open a file by one step at a time, so that no part of its path can be a link."""
    *above, name = relative.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in above:
            if make_folders:
                _make_folder(part, here)
            step = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            below = os.open(part, step, dir_fd=here)
            os.close(here)
            here = below
        return os.open(name, flags | os.O_NOFOLLOW, 0o644, dir_fd=here)
    finally:
        os.close(here)


def _make_folder(name: str, where: int) -> None:
    """With the owner of the folder that it lies in: the student's processes write there too."""
    try:
        os.mkdir(name, 0o755, dir_fd=where)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        about = os.fstat(where)
        os.chown(name, about.st_uid, about.st_gid, dir_fd=where, follow_symlinks=False)
