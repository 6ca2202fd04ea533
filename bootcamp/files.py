"""Writing files so that nothing is ever half written or lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from bootcamp import paths
from bootcamp.errors import BootcampError

FILE_MODE = 0o644
IGNORED = ("__pycache__", ".ipynb_checkpoints", ".DS_Store")


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path`: readers see the old file or the new one, never a part.

    Raises:
        BootcampError: the file cannot be written.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(FILE_MODE)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise BootcampError(
            f"Cannot write {shown(path)}: {error.strerror or error}.",
            "Check that the folder is yours and that the disk is not full, then try again.",
        ) from error


def files_in(folder: Path) -> list[Path]:
    """Every file below `folder`, relative to it, sorted; caches left out, links not followed."""
    if not folder.is_dir():
        return []
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        found += [
            (Path(parent) / name).relative_to(folder)
            for name in names
            if name not in IGNORED and not name.endswith(".pyc")
        ]
    return sorted(found)


def back_up(folder: Path, files: Iterable[Path]) -> Path:
    """Copy `files` (relative to `folder`) to a new folder under `.bootcamp/backups`. Returns it.

    Raises:
        BootcampError: something could not be copied. Nothing has been changed then.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    backups = paths.state_dir() / "backups"
    try:
        backups.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(dir=backups, prefix=f"{stamp}-{folder.name}-"))
        for file in files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / file, target / file, follow_symlinks=False)
    except OSError as error:
        raise BootcampError(
            f"Cannot back up {shown(folder)}: {error.strerror or error}. Nothing was changed.",
            f"Make room or permissions in {shown(backups)}, then try again.",
        ) from error
    return target


def remove_file(folder: Path, file: Path) -> None:
    """Delete `folder / file`, and the folders above it that are empty then."""
    (folder / file).unlink(missing_ok=True)
    for parent in (folder / file).parents:
        if parent == folder or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()


def shown(path: Path) -> str:
    """Return the path as a person types it: relative to where they are, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
