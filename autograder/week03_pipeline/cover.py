"""Checks that chunks cover a page: without a gap, in order, and with no more overlap than allowed.

White space is compared as single spaces, so that a chunker may keep or change it. Repeated text can
belong to several places of the page, so all of these places are followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placed:
    """Where a chunk is on its page: characters `start` to `end`. `shared` says how many of them the
    chunks before it already contain.
    """

    start: int
    end: int
    shared: int


@dataclass(frozen=True)
class Gap:
    """Why the chunks do not cover the page."""

    chunk: str
    """The chunk that does not fit, or "" at the end."""
    got: str
    cause: str


def plain(text: str) -> str:
    """The text with every run of white space as one space, and none around it."""
    return " ".join(text.split())


def cover(page: str, chunks: Sequence[str], overlap: int) -> list[Placed] | Gap:
    """Place chunks on their page, one after the other.

    Args:
        page: the page's text, `plain`.
        chunks: the texts, `plain`, in order.
        overlap: how many characters a chunk may repeat.
    """
    ends: dict[int, list[Placed]] = {0: []}
    for chunk in chunks:
        reached: dict[int, list[Placed]] = {}
        for end, path in ends.items():
            for start in _starts(page, chunk, end, overlap):
                place = Placed(start, start + len(chunk), max(0, end - start))
                reached.setdefault(place.end, [*path, place])
        if not reached:
            return _misplaced(page, chunk, max(ends), overlap)
        ends = reached
    if len(page) in ends:
        return ends[len(page)]
    last = max(ends)
    return Gap(
        "",
        f"the chunks end before {page[last:][:120]!r}",
        "the end of the page was lost, or a short chunk was dropped",
    )


def _starts(page: str, chunk: str, end: int, overlap: int) -> list[int]:
    """Where the chunk can begin if the ones before reach to `end`."""
    latest = end + 1 if page[end : end + 1] == " " else end
    return [
        start
        for start in range(max(0, end - overlap), latest + 1)
        if page.startswith(chunk, start) and start + len(chunk) > end
    ]


def _misplaced(page: str, chunk: str, end: int, overlap: int) -> Gap:
    start = page.find(chunk, max(0, end - overlap))
    if start > end:
        return Gap(
            chunk,
            f"lost between it and the chunk before: {page[end:start][:120]!r}",
            "text was lost",
        )
    before = page.rfind(chunk, 0, end + len(chunk))
    if before < 0:
        return Gap(
            chunk,
            "this text is not on that page",
            "words were glued, changed or dropped, or the number is that of another page",
        )
    if before + len(chunk) <= end:
        return Gap(chunk, "the chunks before contain all of it", "the chunk adds no new text")
    return Gap(
        chunk,
        f"it repeats {end - before} characters of the chunks before",
        f"it repeats more than the overlap of {overlap}",
    )


def cuts_a_word(page: str, at: int) -> bool:
    """Whether there is a letter or digit on both sides of a place."""
    return page[at - 1 : at].isalnum() and page[at : at + 1].isalnum()
