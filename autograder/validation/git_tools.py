"""Git for `refresh-patches`: read trees, follow renames, apply a diff, merge three ways."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.validation.patch_file import Files
from bootcamp.errors import BootcampError, UsageError
from bootcamp.files import files_in

SOLUTIONS = "solutions"
SIMILARITY = "40%"
"""How much of a file must be the same for git to call it renamed or copied."""
MOST_CONFLICTS = 127
"""`git merge-file` exits with the number of conflicts, up to this; more is an error."""


class Repository:
    """The git repository of the course. Its own index and files are never touched.

    Raises:
        BootcampError: the folder is not the top of a git repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not (root / ".git").exists():
            raise BootcampError(
                f"{root} is not a git repository, so there is no earlier solution to compare with.",
                "Run the command in a clone of the course.",
            )

    def tree_of(self, revision: str) -> str:
        """The id of the tree at `revision`.

        Raises:
            UsageError: git does not know the revision.
        """
        done = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}"
        )
        if done.returncode:
            raise UsageError(
                f"Git does not know the revision {revision!r}.",
                "Give a commit, a branch or a tag: bootcamp refresh-patches --base main~3",
            )
        return done.stdout.strip()

    def has(self, tree: str) -> bool:
        """Whether the tree is still there: git removes trees that no commit holds after a while."""
        return self._run("cat-file", "-e", f"{tree}^{{tree}}").returncode == 0

    def tree_of_today(self) -> str:
        """The id of a tree with the solutions as they lie in the folder, committed or not."""
        with tempfile.TemporaryDirectory(prefix="bootcamp-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._checked("add", "--all", "--", SOLUTIONS, more=index)
            return self._checked("write-tree", more=index).strip()

    def files(self, tree: str) -> Files:
        """The solutions' text files in a tree, by name below `solutions/`."""
        packed = subprocess.run(
            ["git", "archive", tree, SOLUTIONS], cwd=self.root, capture_output=True, check=True
        )
        found = {}
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            for member in archive:
                if file := archive.extractfile(member):
                    with suppress(UnicodeDecodeError):  # no text
                        found[member.name.removeprefix(f"{SOLUTIONS}/")] = file.read().decode()
        return found

    def moved(self, before: str, after: str) -> Mapping[str, tuple[str, ...]]:
        """Where files of the tree `before` went: renamed files and copies, the likeliest first."""
        listed = self._checked(
            "diff-tree", "-r", "-z", f"-M{SIMILARITY}", f"-C{SIMILARITY}", "--find-copies-harder",
            "--diff-filter=RC", "--name-status", before, after, "--", SOLUTIONS,
        )  # fmt: skip
        fields = iter(listed.split("\0"))
        found = sorted(
            (status, old, new)
            for status, old, new in zip(fields, fields, fields, strict=False)
            if status
        )
        moved: dict[str, tuple[str, ...]] = {}
        for _, old, new in reversed(found):
            name = old.removeprefix(f"{SOLUTIONS}/")
            moved[name] = (*moved.get(name, ()), new.removeprefix(f"{SOLUTIONS}/"))
        return moved

    def _run(
        self, *words: str, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={**os.environ, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def _checked(self, *words: str, more: Mapping[str, str] | None = None) -> str:
        done = self._run(*words, more=more)
        if done.returncode:
            raise BootcampError(f"git {words[0]} failed: {done.stderr.strip()}")
        return done.stdout


@dataclass(frozen=True)
class Merge:
    """A three-way merge of one file."""

    text: str
    conflict_line: int | None = None
    """The line in `text` where the first conflict begins; None for a clean merge."""


def apply_in(folder: Path, diff: bytes) -> str:
    """Apply a diff to the files in a folder. Returns git's reason why it does not apply, or ""."""
    # Away from any repository around it: there git would skip, in silence, what lies outside.
    nowhere = {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["git", "apply", "-"], cwd=folder, env=nowhere, input=diff, capture_output=True, check=False
    )
    return done.stderr.decode().strip() if done.returncode else ""


def apply(diff: str, files: Files) -> Files | str:
    """Return the files as the diff leaves them, or why it does not apply."""
    with tempfile.TemporaryDirectory(prefix="bootcamp-patch-") as folder:
        write_files(Path(folder), files)
        if error := apply_in(Path(folder), diff.encode()):
            return error.splitlines()[0].removeprefix("error: ")
        return read_files(Path(folder))


def merge(current: str, base: str, other: str) -> Merge:
    """Merge the change from `base` to `other` into `current`."""
    with tempfile.TemporaryDirectory(prefix="bootcamp-merge-") as folder:
        write_files(Path(folder), {"current": current, "base": base, "other": other})
        done = subprocess.run(
            ["git", "merge-file", "--stdout", "-L", "solution", "-L", "base", "-L", "patch",
             "current", "base", "other"],
            cwd=folder,
            capture_output=True,
            check=False,
        )  # fmt: skip
    if not 0 <= done.returncode <= MOST_CONFLICTS:
        raise BootcampError(f"git merge-file failed: {done.stderr.decode().strip()}")
    text = done.stdout.decode()
    if not done.returncode:
        return Merge(text)
    return Merge(text, text[: text.index("<<<<<<< solution")].count("\n") + 1)


def write_files(folder: Path, files: Files) -> None:
    """Write texts into a folder, each under its name."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


def read_files(folder: Path) -> Files:
    """Read all files below a folder, by name."""
    return {file.as_posix(): (folder / file).read_bytes().decode() for file in files_in(folder)}
