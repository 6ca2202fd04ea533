"""Joins the pages of the handbook before it cuts them: which page does a chunk come from?"""

from itertools import accumulate

from local import SAMPLES
from pypdf import PdfReader
from semantic_text_splitter import TextSplitter

HANDBOOK = SAMPLES / "lighthouse_handbook.pdf"
SIZE = 2_000


def pages_of(start: int, end: int, page_starts: list[int]) -> list[int]:
    """The pages that the characters from `start` to `end` come from, counted from 1."""
    first = sum(one <= start for one in page_starts)
    last = sum(one < end for one in page_starts)
    return list(range(first, last + 1))


def main() -> None:
    pages = [page.extract_text() + "\n" for page in PdfReader(HANDBOOK).pages]
    page_starts = [0, *accumulate(map(len, pages))][:-1]
    for start, piece in TextSplitter(SIZE).chunk_indices("".join(pages)):
        found = pages_of(start, start + len(piece), page_starts)
        print("chunk of page", " and ".join(map(str, found)))


if __name__ == "__main__":
    main()
