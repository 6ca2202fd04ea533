"""Refresh the patches of wrong and unlike solutions after the solutions have changed.

A patch that still gives the right file is not touched. Any other is carried over by a three-way
merge: from the solutions at a git revision to those of today. Where that needs a person, the files
to edit are written to `.bootcamp/patches/`; the next run makes the patch from what was edited.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.validation.broken_code import broken
from autograder.validation.carry import FINE, Base, Outcome, State, carry, carry_change
from autograder.validation.git_tools import Repository
from autograder.validation.patch_file import Files, PatchText, patches_of, read_patch
from autograder.validation.workspace import Workspace
from bootcamp.files import write_atomic


@dataclass(frozen=True)
class Refreshed:
    """What became of one patch file."""

    path: Path
    """Where the patch is now, relative to the repository."""
    outcome: Outcome
    moved_from: Path | None = None
    edit: Path | None = None
    """The file that a person edits to resolve the conflict of the patch."""

    @property
    def fine(self) -> bool:
        """Whether nobody needs to look at it."""
        return self.outcome.state in FINE


def refresh(
    root: Path,
    weeks: Sequence[str],
    *,
    state: Path,
    base: str = "HEAD",
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Refreshed]:
    """Carry the patches of `weeks` (folder names) over to the solutions as they are now.

    Args:
        root: the repository.
        weeks: names of week folders, such as `week05_retries`.
        state: the folder that git ignores; keeps what the last run saw.
        base: the revision whose solutions the patches were made on.
        dry_run: write nothing.
        progress: is told after each patch how many are done, of how many.

    Raises:
        BootcampError: git does not know `base`, or a file cannot be written.
    """
    repository = Repository(root)
    workspace = Workspace(state / "patches")
    tree = repository.tree_of_today()
    today = repository.files(tree)
    bases = list(_bases(repository, base, workspace.last_tree(), tree))
    patches = [path for week in weeks for path in patches_of(root / "autograder" / week)]
    found = []
    for number, path in enumerate(patches, 1):
        one = _Patch(path, root, bases, today, workspace)
        found.append(one.refresh(dry_run=dry_run))
        progress(number, len(patches))
    if not dry_run:
        workspace.keep_tree(tree)
    return found


def _bases(repository: Repository, base: str, last: str, tree: str) -> Iterator[Base]:
    """The revision asked for, then what the last run saw: solutions are often changed twice."""
    yield _base(repository, base, repository.tree_of(base), tree)
    if last and repository.has(last):
        yield _base(repository, "the last run", last, tree)


def _base(repository: Repository, name: str, before: str, tree: str) -> Base:
    return Base(name, repository.files(before), repository.moved(before, tree))


@dataclass(frozen=True)
class _Patch:
    """One patch file and what is needed to carry it."""

    path: Path
    root: Path
    bases: Sequence[Base]
    today: Files
    workspace: Workspace

    @property
    def week(self) -> str:
        return self.path.parents[1].name

    def refresh(self, *, dry_run: bool) -> Refreshed:
        text = self.path.read_bytes().decode()
        patch = read_patch(text)
        outcome = self._checked(patch, self._carried(patch))
        where = self.path.relative_to(self.root)
        if outcome.state not in FINE:
            edit = None if dry_run else self.workspace.keep(where, outcome, self.today)
            return Refreshed(where, outcome, edit=edit)
        target = self.root / "autograder" / outcome.week / Path(*where.parts[2:])
        new = patch.header + outcome.diff
        if not dry_run:
            if outcome.diff and (new != text or target != self.path):
                write_atomic(target, new.encode())
                if target != self.path:
                    self.path.unlink()
            self.workspace.drop(where)
        moved_from = where if target != self.path else None
        return Refreshed(target.relative_to(self.root), outcome, moved_from)

    def _carried(self, patch: PatchText) -> Outcome:
        """What a person has edited comes first; else the patch as it is."""
        edited = self.workspace.edited(self.path.relative_to(self.root))
        if edited is not None:
            before, after = edited
            base = Base("edited", before, self.bases[0].moved)
            return carry_change(patch, self.week, base, after, self.today)
        return carry(patch, self.week, self.bases, self.today)

    def _checked(self, patch: PatchText, outcome: Outcome) -> Outcome:
        """Look at a carried patch as a reviewer would: does it run, are its items in the week?"""
        if outcome.state is not State.CARRIED:
            return outcome
        bad = broken(outcome.after, self.today)
        if bad is not None:
            file, line, reason = bad
            return replace(
                outcome, state=State.BROKEN, diff="", file=file, line=line, reason=reason
            )
        unknown = set(patch.ids("loses")) - self._items(outcome.week)
        if outcome.week != self.week and unknown:
            items = ", ".join(sorted(unknown))
            reason = f"its file went to {outcome.week}, which has no item {items}"
            return replace(outcome, state=State.OTHER_ITEMS, diff="", reason=reason)
        return outcome

    def _items(self, week: str) -> set[str]:
        manifest = self.root / "autograder" / week / "manifest.toml"
        if not manifest.is_file():
            return set()
        return {item["id"] for item in tomllib.loads(manifest.read_text(encoding="utf-8"))["items"]}
