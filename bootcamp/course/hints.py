"""The hints of an item: one ladder for each function, from a question to the answer.

Authors write them in `autograder/weekNN_slug/hints/N.M.md`:

    # Hints for 1.3
    ## pipeline/producer.py: enqueue_later
    ### Question
    …
    ### Lesson
    ### Similar case
    ### Answer

In the student edition all pages of a week are packed into one data file: `packed_hints.py`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bootcamp import paths
from bootcamp.course.manifest import Item
from bootcamp.course.packed_hints import page_text
from bootcamp.course.weeks import Week
from bootcamp.errors import GraderError, UsageError

STEPS = ("Question", "Lesson", "Similar case", "Answer")
"""The steps of a ladder, in order."""
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+\.md(?:#[^)\s]*)?)\)")


@dataclass(frozen=True)
class Hint:
    """One step of a ladder: its title and its text in Markdown."""

    title: str
    text: str


@dataclass(frozen=True)
class Ladder:
    """The hints about one function."""

    file: str
    function: str
    hints: tuple[Hint, ...]


def hints_page(week: Week, item_id: str) -> Path:
    """Return the path of an item's page of hints, which only the authors' repository has."""
    return week.grader / "hints" / f"{item_id}.md"


def ladders(week: Week, item: Item) -> tuple[Ladder, ...]:
    """Read all ladders of an item.

    Raises:
        GraderError: the page of hints is missing, or its headings are not as they must be.
    """
    page = hints_page(week, item.id)
    text = page_text(week, page)
    if text is None:
        raise GraderError(f"{page} is missing: item {item.id} has no hints.")
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    if not sections:
        raise GraderError(f"{page} has no section `## file.py: function`.")
    return tuple(_ladder(section, page) for section in sections)


def ladder_of(week: Week, item: Item, function: str) -> Ladder:
    """Find the ladder of one function of an item.

    Raises:
        UsageError: the item has no such function; names those it has.
    """
    found = ladders(week, item)
    for one in found:
        if function in (one.function, f"{one.file}:{one.function}"):
            return one
    names = ", ".join(one.function for one in found)
    raise UsageError(
        f"Item {item.id} has no hints for a function {function!r}.",
        f"Its functions are: {names}.",
    )


def _ladder(section: str, page: Path) -> Ladder:
    heading, _, body = section.partition("\n")
    file, colon, function = heading.partition(": ")
    _, *parts = re.split(r"^### ", body, flags=re.MULTILINE)
    split = [part.partition("\n") for part in parts]
    if not colon or tuple(title for title, _, _ in split) != STEPS:
        raise GraderError(
            f"{page}: the section {heading!r} is not a ladder.",
            f"Its heading is `## file.py: function`, and its parts are {', '.join(STEPS)}.",
        )
    texts = tuple(Hint(title, _with_paths(text.strip(), page)) for title, _, text in split)
    return Ladder(file, function, texts)


def _with_paths(text: str, page: Path) -> str:
    """Write out where each link leads, from the root of the repository: a terminal cannot follow it."""

    def written(link: re.Match[str]) -> str:
        words, target = link.groups()
        path = os.path.relpath(page.parent / target, paths.ROOT)
        return f"{words}: `{PurePosixPath(path)}`"

    return _LINK.sub(written, text)
