"""A step that is killed while it writes, and runs again: two ways to write, one of them safe."""

import tempfile
from collections.abc import Callable
from pathlib import Path

PARTS = ["one ", "two ", "three "]


class WorkerDiesError(Exception):
    """Stands for a kill."""


def in_place(target: Path, dies: bool) -> None:
    """Write under the name that others look at."""
    with target.open("w") as file:
        for part in PARTS:
            if dies and part == PARTS[-1]:
                raise WorkerDiesError
            file.write(part)


def all_or_nothing(target: Path, dies: bool) -> None:
    """Write to another name, then rename. In one file system, a rename happens all at once."""
    partial = target.with_suffix(".partial")
    in_place(partial, dies)
    partial.replace(target)


def run_twice(write: Callable[[Path, bool], None], target: Path) -> str:
    """The first run dies half way; the second trusts what it finds."""
    for dies in (True, False):
        if not target.exists():
            try:
                write(target, dies)
            except WorkerDiesError:
                continue
    return target.read_text()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for write in (in_place, all_or_nothing):
            print(f"{write.__name__}: {run_twice(write, Path(folder) / write.__name__)!r}")


if __name__ == "__main__":
    main()
