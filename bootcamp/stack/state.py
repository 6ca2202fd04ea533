"""State folders: who holds one, and what is left when the holder dies.

A folder is held by a lock on its `lock` file. The launcher and the guard of every process that
writes below the folder share that one lock, so it is free exactly when all of them are gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bootcamp.errors import StackError

JANITOR = Path(__file__).with_name("janitor.py")
STACK_FILE = "stack.json"
RUNS, RUN_FILE = "runs", "run.json"
LOCK_FILE = "lock"
PRIVATE = 0o700
CLEAN_SECONDS = 30.0


def make_private(folder: Path) -> Path:
    """Make a folder that only its owner can enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: a reader sees the old or the new."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds; empty when there is none or it is broken."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def is_held(folder: Path) -> bool:
    """Whether someone alive holds the folder."""
    try:
        fd = os.open(folder / LOCK_FILE, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def holder(folder: Path) -> int | None:
    """The process that holds the folder, or that held it last."""
    try:
        return int((folder / LOCK_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


class StateFolder:
    """A folder that this process holds. Temporary when no path is given: removed at the end, also
    when this process is killed.

    Raises:
        StackError: somebody else holds it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.temporary = path is None
        self.path = (path or Path(tempfile.mkdtemp(prefix="bootcamp-"))).resolve()
        make_private(self.path)
        self._lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise self._taken() from None
        os.truncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())
        self._janitor = self._start_janitor() if self.temporary else None

    def _taken(self) -> StackError:
        return StackError(
            f"The state folder {self.path} is in use by process {holder(self.path)}.",
            "Stop that stack with `bootcamp down`, or join it with `Stack.attach`.",
        )

    def _start_janitor(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-I", "-S", str(JANITOR), str(self.path / LOCK_FILE)]
        return subprocess.Popen(
            [*argv, str(self.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    @property
    def lock(self) -> int:
        """The descriptor for `Process(hold=…)`."""
        return self._lock

    def folder(self, name: str) -> Path:
        """A private folder below."""
        return make_private(self.path / name)

    def close(self) -> None:
        """Give it up; a temporary one is gone when this returns."""
        if self._lock < 0:
            return
        os.close(self._lock)
        self._lock = -1
        if self._janitor is not None:
            try:
                self._janitor.wait(CLEAN_SECONDS)
            except subprocess.TimeoutExpired:
                self._janitor.kill()
                self._janitor.wait()
            remove_tree(self.path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it, also folders in folders that are too deep for Python."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        subprocess.run(["/bin/rm", "-rf", "--", str(folder)], check=False, capture_output=True)


def wait_until_free(folder: Path, timeout: float) -> bool:
    """Wait until nobody holds the folder. False when the time is up."""
    deadline = time.monotonic() + timeout
    while is_held(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
