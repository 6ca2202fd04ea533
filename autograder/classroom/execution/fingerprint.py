"""Hashes of all that a result depends on: what makes a second run free, and a change noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from platform import platform, python_version

from bootcamp import paths
from bootcamp.course.weeks import Week, weeks_through

COURSE = "async-ai-bootcamp"
PACKAGES = ("celery", "fastapi", "pytest", "redis")
"""Their versions are stamped into each result, and the course's."""
SEEDS = 10**9
"""Seeds are below this."""
ROOMS = ("process", "run", "sandbox", "sdk")
"""Packages of `autograder` that have a part in every result."""
_SUFFIXES = (".py", ".toml", ".ini")
_LEFT_OUT = ("wrong", "unlike", "__pycache__", "rubric.toml")
"""Folders and files that have no part in a result. A rubric is for people."""


def of_submission(files: Mapping[PurePosixPath, bytes]) -> str:
    """The hash of the files that were taken: names and contents, in any order."""
    return _digest((str(path), content) for path, content in files.items())


def seed_of(class_seed: int, submission: str) -> int:
    """The seed of one submission's random inputs, from the class's and the hash of its files.

    Cards show inputs. Who hands in again gets others, so that nothing is won by knowing them.
    """
    return int(_digest([(str(class_seed), submission.encode())]), 16) % SEEDS


def of_graders(week: Week) -> str:
    """The hash of everything but the submission that decides how a week is graded."""
    roots = [paths.AUTOGRADER / room for room in ROOMS]
    roots += [week.grader]
    roots += [paths.ROOT / "bootcamp" / "stack", paths.ROOT / "bootcamp" / "providers"]
    roots += [one.solutions for one in weeks_through(week)]
    files = ((root, path) for root in roots for path in _files(root))
    return _digest(
        (f"{root.name}/{path.relative_to(root)}", path.read_bytes()) for root, path in files
    )


def versions() -> dict[str, str]:
    """What a result was made with."""
    return {COURSE: version(COURSE)} | versions_around()


def versions_around() -> dict[str, str]:
    """What is not the course itself, and may differ between this process and a container."""
    return {"python": python_version(), "system": platform(terse=True)} | {
        name: version(name) for name in PACKAGES
    }


def _files(root: Path) -> Iterable[Path]:
    for path in root.rglob("*"):
        inner = path.relative_to(root).parts
        if path.suffix in _SUFFIXES and not set(inner) & set(_LEFT_OUT) and path.is_file():
            yield path


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    total = hashlib.sha256()
    for name, content in sorted(files):
        total.update(f"{len(name)}:{name}:{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()
