"""Step 2: pages become chunks, small enough to embed and cut where the text allows it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from semantic_text_splitter import TextSplitter

from pipeline.steps.types import Chunk, Page

MAX_CHARS = 1_000
"""Characters in a chunk: about 250 tokens of English, a long paragraph."""
OVERLAP = 150
"""Characters that a chunk may repeat from the one before: a sentence or two."""
WINDOW_CHARS = 8_192
"""Characters that the splitter sees at once. Its time grows with the square of a text that has few
boundaries: a page of a million characters of base64 took 6 s, of Chinese minutes."""
WINDOW_ENDS = ("\n\n", "\n", ". ", "\N{IDEOGRAPHIC FULL STOP}", " ")
"""After what a window ends, best first."""


def windows(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Cut a long text into parts that the splitter can take: `(start, part)`, in order. Given.

    A part has at most `WINDOW_CHARS` characters, or eight pieces of `size`, if that is more.
    """
    start, longest = 0, max(WINDOW_CHARS, 8 * size)
    while len(text) - start > longest:
        least, most = start + longest // 2, start + longest
        cuts = ((text.rfind(end, least, most), end) for end in WINDOW_ENDS)
        stop = next((found + len(end) for found, end in cuts if found >= 0), most)
        while stop > least and not is_character_start(text, stop):
            stop -= 1
        yield start, text[start:stop]
        start = stop
    yield start, text[start:]


def pieces(text: str, size: int) -> list[tuple[int, int]]:
    """Find where to cut: `(start, end)` of pieces of at most `size` characters. Given.

    The pieces together are `text`, window by window, as `split` cuts them.
    """
    return [
        (offset + start, offset + end)
        for offset, window in windows(text, size)
        for start, end in split(window, size)
    ]


def split(text: str, size: int) -> list[tuple[int, int]]:
    """Split one window: `(start, end)` of pieces of at most `size` characters that together are it.

    The splitter cuts at the largest boundary that fits: paragraph, else sentence, else word, else
    character (what a reader sees as one, with its accents).
    """
    # TODO 3.2: Let `TextSplitter` find the boundaries. It knows the Unicode rules for sentences and
    #   words, so Chinese works too. Look for the method that says where each piece begins.
    #   By default it trims what it returns; here no character may be lost between two pieces.
    raise NotImplementedError("3.2")


def overlap_start(text: str, start: int, overlap: int) -> int:
    """Where a chunk begins, so that it repeats up to `overlap` characters before `start`.

    At the first word that begins in those characters; where none does (a very long word, a language
    without spaces), as far back as allowed.
    """
    # TODO 3.2: Go back `overlap` characters, but not before the text. Then come forward to the
    #   first word that starts there. A word starts at a visible character after a blank or at the
    #   text's start.
    #   No such word before `start`? Then cut a word, but never between a letter and its accent.
    raise NotImplementedError("3.2")


def is_character_start(text: str, index: int) -> bool:
    """Whether a reader's character can begin at `index`: no accent, no joined emoji. Given."""
    joiner = "\N{ZERO WIDTH JOINER}"
    marks = ("Mn", "Me", "Mc", "Cf", "Sk")  # accents, joiners, skin tones
    return unicodedata.category(text[index]) not in marks and text[index - 1 : index] != joiner


def chunk_pages(
    pages: Iterable[Page], max_chars: int = MAX_CHARS, overlap: int = OVERLAP
) -> list[Chunk]:
    """Chunks of at most `max_chars` characters, in order, `position` counting from 0.

    A chunk lies on one page, so a search result can name it. On the same page a chunk begins with
    the end of the one before: at most `overlap` characters. Only white space at a chunk's ends is
    dropped, and chunks of nothing else.

    Raises:
        ValueError: `overlap` is not between 0 and half of `max_chars`.
    """
    if not 0 <= overlap <= max_chars // 2:
        raise ValueError(f"overlap must be between 0 and {max_chars // 2}, not {overlap}")
    chunks: list[Chunk] = []
    # TODO 3.2: Cut each page on its own, and keep its number with every chunk of it.
    #   With its overlap a chunk must still fit `max_chars`: leave room for it when you cut.
    #   Drop white space around a chunk, and a chunk of white space alone. Count positions through
    #   the whole document, without gaps.
    raise NotImplementedError("3.2")
    return chunks
