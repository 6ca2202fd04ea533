"""`bootcamp watch` notices every save, also where the system reports none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from bootcamp.errors import BootcampError
from bootcamp.student import watching

NO_INSTANCE = OSError(24, "Too many open files")


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    (tmp_path / "first.py").write_text("1\n")
    return tmp_path


class Checks:
    """Counts checks; saves the homework at the first and stops watching at the last."""

    def __init__(self, homework: Path, last: int) -> None:
        self.count = 0
        self._homework = homework
        self._last = last

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._last:
            raise KeyboardInterrupt
        save = threading.Timer(1.0, (self._homework / "first.py").write_text, [f"{self.count}\n\n"])
        save.start()


def watched(homework: Path, last: int, *, poll: bool = False) -> tuple[int, list[str]]:
    """How many checks were made, and what the user was told."""
    checks = Checks(homework, last)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        watching.watch_homework(homework, checks, checks, poll=poll, say=said.append)
    return checks.count, said


@pytest.mark.parametrize("poll", [False, True])
def test_a_save_is_checked(homework: Path, poll: bool) -> None:
    assert watched(homework, 2, poll=poll) == (2, [])


def test_without_an_inotify_instance_the_files_are_polled_and_the_user_is_told(
    homework: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(*folders: Path, force_polling: bool | None, **options: Any) -> Iterator[object]:
        if not force_polling:
            raise NO_INSTANCE
        return watchfiles.watch(*folders, force_polling=True, **options)

    monkeypatch.setattr(watching, "watch", watch)
    count, sentences = watched(homework, 4)
    assert count == 4  # at the start, after the change of ways, after two saves
    assert len(sentences) >= 2, "each check clears the screen, so it is said below each result"
    assert all("Too many open files" in one and "--poll" in one for one in sentences)


def test_when_polling_fails_too_the_command_ends(
    homework: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(*_: Path, **__: Any) -> Iterator[object]:
        raise FileNotFoundError("gone")

    monkeypatch.setattr(watching, "watch", watch)
    with pytest.raises(BootcampError, match="no longer be watched"):
        watching.watch_homework(homework, lambda: None, lambda: None, poll=True)
