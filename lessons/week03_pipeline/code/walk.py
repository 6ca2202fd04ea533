"""Collect text until something ends, then yield it: pages of a report, and the half-filled chapters."""

from collections.abc import Iterable, Iterator

Element = tuple[str, str]
"""A kind and a text, in the order in which a reader meets them."""

REPORT: list[Element] = [
    ("heading", "Storm. "),
    ("text", "The mole broke"),
    ("line break", ""),
    ("text", "at two places. "),
    ("page break", ""),
    ("page break", ""),
    ("heading", "Costs. "),
    ("text", "Two cranes."),
]


def pages(elements: Iterable[Element]) -> Iterator[str]:
    """Yield the text of each page. A page break ends a page."""
    page = ""  # what has been collected since the last break
    for kind, text in elements:
        if kind == "page break":
            yield page
            page = ""
        elif kind == "line break":
            page += " / "
        else:
            page += text
    yield page  # nothing ends the last page, so it is yielded after the loop


def chapters(elements: Iterable[Element]) -> Iterator[str]:
    """Yield the text of each chapter, without the breaks. A chapter begins at a heading.

    Text before the first heading is a chapter too, but an empty chapter is not yielded.
    """
    chapter = ""
    for kind, text in elements:
        if kind == "heading" and chapter:
            raise NotImplementedError("gap 1: a chapter has ended")
        chapter += text
    raise NotImplementedError("gap 2: the elements have ended")


def main() -> None:
    print("pages:   ", list(pages(REPORT)))
    try:
        print("chapters:", list(chapters(REPORT)))
    except NotImplementedError as gap:
        print("chapters:", gap)


if __name__ == "__main__":
    main()
