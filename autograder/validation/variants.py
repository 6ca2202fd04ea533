"""Wrong solutions, and correct ones unlike ours: patches on the solutions that validate the graders.

    autograder/weekNN_slug/wrong/*.patch     lose exactly the items that they name
    autograder/weekNN_slug/unlike/*.patch    full marks

A patch is a header and a unified diff. `loses` names every item that gets no points, also those that
are skipped because they need a lost one. `breaks` names the promises that are broken, by their ids.

    loses: 1.3
    breaks: 1.3b
    story: Waits for each summary before it enqueues the next.
    card: still waiting
    --- a/pipeline/producer.py
    +++ b/pipeline/producer.py
    @@ …
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from autograder.validation.git_tools import apply_in
from autograder.validation.patch_file import patches_of, read_patch
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import GraderError

NEEDED = {"wrong": {"loses", "story", "card"}, "unlike": {"story"}}
ALLOWED = {"wrong": {"breaks"}, "unlike": set[str]()}
"""A wrong solution that changes given code breaks no promise of a TODO."""


@dataclass(frozen=True)
class Variant:
    """One changed solution."""

    week: Week
    path: Path
    story: str
    loses: tuple[str, ...] = ()
    """Ids of the items that get no points; none for a correct solution."""
    card: str = ""
    """Stands in the card of the first item that is lost."""
    breaks: tuple[str, ...] = ()
    """Ids of the promises that are broken, such as `1.3b`."""

    @property
    def correct(self) -> bool:
        """Whether it must get full marks."""
        return not self.loses

    def __str__(self) -> str:
        return f"week{self.week.number:02}-{self.path.parent.name}-{self.path.stem}"


def load_variants(week: Week) -> tuple[Variant, ...]:
    """All patches of a week, the wrong ones first.

    Raises:
        GraderError: a header is not as it must be.
    """
    return tuple(_read(week, path) for path in patches_of(week.grader))


def build(variant: Variant, folder: Path) -> Path:
    """Copy the week's solutions into `folder` and apply the patch. Returns `folder`.

    Raises:
        GraderError: the patch does not fit the solutions any more.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(variant.week.solutions, folder, ignore=ignored, dirs_exist_ok=True)
    if error := apply_in(folder, variant.path.read_bytes()):
        raise GraderError(
            f"{variant.path} does not fit {variant.week}'s solutions any more: {error}",
            "Run: bootcamp refresh-patches",
        )
    return folder


def _read(week: Week, path: Path) -> Variant:
    patch = read_patch(path.read_text(encoding="utf-8"))
    header = patch.fields
    needed = NEEDED[path.parent.name]
    if set(header) - ALLOWED[path.parent.name] != needed or not all(header.values()):
        names = ", ".join(sorted(needed))
        raise GraderError(f"{path} must begin with {names}, one a line, and has {sorted(header)}.")
    loses, breaks = patch.ids("loses"), patch.ids("breaks")
    known = {item.id for item in load_manifest(week).items}
    if unknown := set(loses) - known:
        raise GraderError(f"{path} loses {sorted(unknown)}, which {week} does not have.")
    if kept := [one for one in breaks if one[: one.index(".") + 2] not in loses]:
        raise GraderError(f"{path} breaks {kept}, and does not lose their items.")
    return Variant(week, path, header["story"], loses, header.get("card", ""), breaks)
