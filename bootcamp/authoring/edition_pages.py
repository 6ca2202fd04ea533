"""The pages of the student edition: nothing that they name may be missing there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from bootcamp import paths
from bootcamp.authoring.pages import Block, Page, part_of
from bootcamp.errors import BootcampError

FOLDERS = ("autograder", "bootcamp", "exercises", "lessons", "notebooks", "solutions", "tests")
INCLUDED = re.compile(r"\bfile=(?P<path>[^\s#]+)(?:#(?P<part>\w+))?")
NAMED = re.compile(rf"(?<![\w/.])(?:{'|'.join(FOLDERS)})/[^\s`\"'),;:<>|#]+")
PAGES = ("AGENTS.md", "README.md", "docs", "exercises", "lessons")
"""Pages and folders of pages that students read."""
LATER = "notebooks/live/"
"""Live notebooks come when their week is closed, as the pages say."""


def check_pages(files: Mapping[str, bytes]) -> None:
    """Check that every file that a page of the edition names is in the edition.

    Args:
        files: the edition's files and their contents, by path.

    Raises:
        BootcampError: a fence, a link or a path in the text names something that is missing.
    """
    known = set(files)
    for file in files:
        known.update(str(folder) for folder in PurePosixPath(file).parents)
    lost = [
        f"{file} names {name}"
        for file, content in files.items()
        if file.endswith(".md") and file.partition("/")[0] in PAGES
        for name in _missing(Page(paths.ROOT / file, content.decode()), file, files, known)
    ]
    if lost:
        raise BootcampError(
            "Pages name files that the student edition does not have:\n" + "\n".join(lost),
            "Change the pages, or add the files in bootcamp/authoring/release.py.",
        )


def _missing(page: Page, file: str, files: Mapping[str, bytes], known: set[str]) -> Iterator[str]:
    for block in page.blocks():
        yield from _missing_in_fence(block, files)
    for link in page.links():
        target = link.partition("#")[0]
        if target and ":" not in target:
            path = os.path.normpath(PurePosixPath(file).parent / target)
            if path not in known:
                yield link
    for found in NAMED.findall(page.text):
        path = found.rstrip("./")
        pattern = "*" in path or "NN" in path or "…" in path
        if not pattern and path not in known and not path.startswith(LATER):
            yield found


def _missing_in_fence(block: Block, files: Mapping[str, bytes]) -> Iterator[str]:
    included = INCLUDED.search(block.info)
    if included is None:
        return
    content = files.get(included["path"])
    if content is None:
        yield included[0]
    elif included["part"] and Path(included["path"]).suffix == ".py":
        part = part_of(content.decode(), included["part"])
        if part is None or part.strip() != block.text.strip():
            yield f"{included[0]}, which differs there"
