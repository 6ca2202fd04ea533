"""What a submission has on disk, looked at in a way that its links, pipes and depths cannot harm."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bootcamp import bounds

BLOCK_BYTES = 512
"""The unit of `st_blocks`."""


def entries(folder: Path) -> Iterator[tuple[os.DirEntry[str], int]]:
    """Everything below a folder and how deep it lies, down to `bounds.MAX_DEPTH`. Follows no link.

    What vanishes meanwhile is passed over.
    """
    waiting = [(os.fspath(folder), 1)]
    while waiting:
        place, depth = waiting.pop()
        try:
            with os.scandir(place) as found:
                for entry in found:
                    yield entry, depth
                    if depth < bounds.MAX_DEPTH and entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
        except OSError:
            continue


def too_much_disk(folder: Path) -> str:
    """Why a folder holds more than it may, or ""."""
    size = count = 0
    for entry, depth in entries(folder):
        count += 1
        if depth >= bounds.MAX_DEPTH:
            return f"it filled the disk with folders in folders, more than {bounds.MAX_DEPTH} deep"
        if count > bounds.MAX_ENTRIES:
            return f"it filled the disk with more than {bounds.MAX_ENTRIES:,} files"
        try:
            size += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
        except OSError:
            continue
        if size > bounds.MAX_DISK_BYTES:
            return f"it wrote more than {bounds.MAX_DISK_BYTES // bounds.MIB:,} MiB to disk"
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
