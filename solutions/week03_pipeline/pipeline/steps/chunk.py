"""Step 2: pages become chunks that are small enough to embed and end at boundaries of the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from semantic_text_splitter import TextSplitter

from pipeline.steps.types import Chunk, Page

MAX_CHARS = 1_000
"""The most characters in a chunk: a long paragraph, or about 250 tokens of English."""
OVERLAP = 150
"""The most characters that a chunk repeats from the one before: a sentence or two."""
WINDOW_CHARS = 8_192
"""The most characters that the splitter gets at once. If a text has few boundaries, the splitter's time
grows with the square of its length: a million characters of base64 took 6 s, of Chinese minutes."""
WINDOW_ENDS = ("\n\n", "\n", ". ", "\N{IDEOGRAPHIC FULL STOP}", " ")
"""A window ends after one of these, the best first."""


def windows(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Cut a long text into windows that are short enough for the splitter. Given to students complete.

    A window has at most `WINDOW_CHARS` characters, or eight pieces of `size` if that is more.

    Yields:
        `(start, part)` of each window, in order. Together the parts are the text.
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
    """Cut a text of any length into pieces of at most `size` characters. Given to students complete.

    It calls `split` for each window of the text.

    Returns:
        `(start, end)` of each piece, in order. Together the pieces are the text.
    """
    return [
        (offset + start, offset + end)
        for offset, window in windows(text, size)
        for start, end in split(window, size)
    ]


def split(text: str, size: int) -> list[tuple[int, int]]:
    """Split one window of text into pieces of at most `size` characters.

    A piece ends at the largest boundary that fits: paragraph, else sentence, else word, else a character
    together with its accents.

    Returns:
        `(start, end)` of each piece, in order: indexes into `text`, the end not included.
    """
    # BEGIN SOLUTION 3.2
    # ? a) Cut at the largest boundary that fits, in every language. `TextSplitter` knows the Unicode
    # ? rules for sentences and words.
    # ? b) Return `(start, end)` for each piece. `chunk_indices` returns each piece with its start.
    # ? c) Lose no character between two pieces: by default `TextSplitter` trims white space, so turn
    # ? trimming off.
    found = TextSplitter(size, trim=False).chunk_indices(text)
    return [(start, start + len(piece)) for start, piece in found]
    # END SOLUTION


def overlap_start(text: str, start: int, overlap: int) -> int:
    """Find where a chunk begins so that it repeats up to `overlap` characters before its new text.

    Args:
        text: the text of the page.
        start: the index at which the chunk's new text begins.
        overlap: the most characters to repeat.

    Returns:
        The first index from `start - overlap` on, but before `start`, at which a word begins. If no word
        begins there, as in a very long word or a language without spaces, it is the first at which a
        character begins, and `start` if there is none.
    """
    # BEGIN SOLUTION 3.2
    # ? d) Go back `overlap` characters from `start`, but not beyond the beginning of the text.
    # ? e) From there, return the first index before `start` at which a word begins: a visible character
    # ? that follows white space of any kind, or is the first of the text.
    # ? f) If no word begins there, return the first index for which `is_character_start(text, index)`
    # ? holds, and `start` if there is none. So no letter is cut off from its accent.
    earliest = max(0, start - overlap)
    for index in range(earliest, start):
        if not text[index].isspace() and (index == 0 or text[index - 1].isspace()):
            return index
    while earliest < start and not is_character_start(text, earliest):
        earliest += 1
    return earliest
    # END SOLUTION


def is_character_start(text: str, index: int) -> bool:
    """Return whether a character, as a reader sees it, can begin at `index`. Given to students complete.

    It cannot at an accent, or in the middle of an emoji that is joined from several.
    """
    joiner = "\N{ZERO WIDTH JOINER}"
    marks = ("Mn", "Me", "Mc", "Cf", "Sk")  # accents, joiners, skin tones
    return unicodedata.category(text[index]) not in marks and text[index - 1 : index] != joiner


def chunk_pages(
    pages: Iterable[Page], max_chars: int = MAX_CHARS, overlap: int = OVERLAP
) -> list[Chunk]:
    """Cut pages into chunks of at most `max_chars` characters, the overlap included.

    A chunk lies on one page, so a search result can name the page. On the same page, a chunk begins
    with the end of the chunk before. Only white space at the ends of a chunk is lost.

    Args:
        pages: the pages, in order. Their numbers need not begin at 1 or be consecutive.
        max_chars: the most characters in a chunk.
        overlap: the most characters that a chunk repeats from the one before.

    Returns:
        The chunks in order, with positions 0, 1, 2, … and the numbers of their pages.

    Raises:
        ValueError: `overlap` is not between 0 and half of `max_chars`.
    """
    if not 0 <= overlap <= max_chars // 2:
        raise ValueError(f"overlap must be between 0 and {max_chars // 2}, not {overlap}")
    chunks: list[Chunk] = []
    # BEGIN SOLUTION 3.2
    # ? g) Cut the text of each page on its own with `pieces`, and give each chunk the number of its page.
    # ? h) Cut pieces of `max_chars - overlap` characters, so that a chunk fits together with its overlap.
    # ? i) Let a chunk begin at `overlap_start` and end with its piece. Strip white space around it.
    # ? j) Skip a piece that is white space alone. Append a chunk for every other piece, however short it
    # ? is, with positions that count from 0 through the whole document, without gaps.
    for page in pages:
        text = page["text"]
        for start, end in pieces(text, max_chars - overlap):
            begin = overlap_start(text, start, overlap)
            if text[start:end].strip():
                chunk_text = text[begin:end].strip()
                chunks.append(Chunk(position=len(chunks), page=page["number"], text=chunk_text))
    # END SOLUTION
    return chunks
