"""3.2: chunks fit the limit, end at boundaries, overlap, lose no text, and have the number of their page.

What a submission could fake:
- counts: nothing is counted that more chunks would help: each must be right.
- witness: the returned chunks.
- place: texts, sizes and overlaps are random.
- store: only what is returned counts.
- probe: none: the function cannot tell who calls it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail, show
from autograder.sdk.documents import WORDS, random_pages
from autograder.sdk.races import made
from autograder.week03_pipeline.cover import Gap, Placed, cover, cuts_a_word, plain
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.shapes import as_chunks, called
from autograder.week03_pipeline.word_starts import TEXTS, chunk_begins

pytestmark = pytest.mark.item("3.2")

CHUNK = "pipeline.steps.chunk"
BLANK_CAUSE = "pieces of white space alone make no chunks; strip white space around the others"
LEAST_OVERLAP = 5
"""Where words are short, a chunk repeats at least a fifth of the overlap."""

Page = dict[str, Any]
Chunk = dict[str, Any]


def chunked(
    student: Student, sent: str, pages: list[Page], max_chars: int, overlap: int
) -> tuple[str, list[Chunk]]:
    """What was sent, and the chunks, checked: none too long, numbered, not blank."""
    sent = f"chunk_pages({sent}, max_chars={max_chars}, overlap={overlap})"
    once = made("builtins", "iter", pages)
    value = called(student, sent, CHUNK, "chunk_pages", once, max_chars=max_chars, overlap=overlap)
    chunks = as_chunks(sent, value)
    check_form(sent, chunks, max_chars)
    return sent, chunks


def check_form(sent: str, chunks: list[Chunk], max_chars: int) -> None:
    for number, chunk in enumerate(chunks):
        size, text = len(chunk["text"]), chunk["text"]
        if size > max_chars:
            fail(
                sent=sent,
                expected=f"no chunk longer than {max_chars} characters",
                got=f"chunk {number} has {size}",
                cause="the overlap is added to a full piece: leave room for it when you cut"
                if size < max_chars * 3 // 2
                else "a piece is too long, or its start and end are those of another place in the text",
            )
        if text != text.strip() or not text:
            fail(
                sent=sent,
                expected="no white space around a chunk, and no chunk of white space alone",
                got=f"chunk {number} is {show(text)}",
                cause=BLANK_CAUSE,
            )
    positions = [chunk["position"] for chunk in chunks]
    if positions != list(range(len(chunks))):
        fail(
            sent=sent,
            expected=f"positions 0, 1, 2 … {len(chunks) - 1} through the whole document",
            got=positions,
            cause=why_not_positions(positions),
        )


def why_not_positions(positions: list[int]) -> str:
    """What the positions count in place of the chunks."""
    if len(set(positions)) < len(positions):
        return "positions began again on a page"
    if positions[0] == 1:
        return "positions began at 1"
    return "positions counted pieces that were skipped"


def check_cover(
    sent: str, pages: list[Page], chunks: list[Chunk], overlap: int
) -> dict[int, list[Placed]]:
    """Check that no text is lost and all is on its page. Returns the places of each page's chunks."""
    known = [page["number"] for page in pages]
    numbers = [chunk["page"] for chunk in chunks]
    expected = [number for number in known for chunk in chunks if chunk["page"] == number]
    if numbers != expected:
        fail(
            sent=sent,
            expected=f"chunks of the pages {known}, in that order",
            got=f"pages {numbers}",
            cause="a chunk must have the number of its page in `pages`, whatever number that is",
        )
    places = {}
    for page in pages:
        texts = [plain(chunk["text"]) for chunk in chunks if chunk["page"] == page["number"]]
        found = cover(plain(page["text"]), texts, overlap)
        if isinstance(found, Gap):
            fail(
                sent=sent,
                expected=f"chunks that together are page {page['number']}, each repeating at most "
                f"{overlap} characters of the one before",
                got=f"at the chunk {show(found.chunk)}: {found.got}" if found.chunk else found.got,
                cause=found.cause,
            )
        places[page["number"]] = found
    return places


def numbered(rng: Random, texts: list[str]) -> list[Page]:
    """Pages with numbers that do not follow from their order."""
    numbers = sorted(rng.sample(range(1, 200), len(texts)))
    return [{"number": n, "text": text} for n, text in zip(numbers, texts, strict=True)]


@pytest.mark.parametrize("pages", [[], [{"number": 1, "text": " \n\t"}]], ids=["none", "blank"])
def test_nothing_gives_no_chunks(student: Student, pages: list[Page]) -> None:
    """j: a piece of white space alone makes no chunk."""
    found = student.call(CHUNK, "chunk_pages", pages)
    if found != []:
        fail(sent=f"chunk_pages({pages!r})", expected="no chunks: []", got=found, cause=BLANK_CAUSE)


def test_a_gap_makes_no_chunk(student: Student, rng: Random) -> None:
    """j: where a long gap follows a text, no chunk consists of the overlap alone."""
    pages = numbered(rng, [f"{sentence(rng, 100)}{' ' * 500}{sentence(rng, 100)}"])
    sent, chunks = chunked(student, "two sentences with 500 spaces between them", pages, 200, 60)
    for before, after in pairwise(chunks):
        if before["text"].endswith(after["text"]):
            fail(
                sent=sent,
                expected="a chunk for each piece that is not white space alone",
                got=f"a chunk that only repeats the end of the one before: {show(after['text'])}",
                cause="test the piece for white space, without the overlap before it",
            )


def test_pieces_are_the_text(student: Student, rng: Random) -> None:
    """b, c: the pieces of `split` follow each other without a gap, also where the text repeats itself."""
    again = " ".join(made_up(rng, 6))
    text = "\n\n".join(
        [again, *(sentence(rng, 60) for _ in range(6)), again, f"  {again} \n", again]
    )
    size = rng.randint(70, 110)
    sent = f"split(a text of {len(text)} characters with paragraphs that repeat, {size})"
    value = called(student, sent, CHUNK, "split", text, size)
    pairs = isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and all(type(at) is int for at in one)
        for one in value
    )
    if not pairs or not value:
        fail(sent=sent, expected="a list of pairs (start, end)", got=value)
    starts, ends = [start for start, _ in value], [end for _, end in value]
    if [*starts, len(text)] != [0, *ends]:
        fail(
            sent=sent,
            expected=f"pieces from 0 to {len(text)}, each beginning where the one before ends",
            got=", ".join(f"{start}-{end}" for start, end in value[:10]),
            cause=why_not_the_text(text, value),
        )
    if longest := [end - start for start, end in value if end - start > size]:
        fail(sent=sent, expected=f"pieces of at most {size} characters", got=longest[0])


def why_not_the_text(text: str, pairs: list[list[int]]) -> str:
    """What is between two pieces that do not follow each other."""
    ends = [end for _, end in pairs]
    if [start for start, _ in pairs] == [0, *ends[:-1]]:
        return "the end of the text was lost: its last piece is missing"
    edges = [0, *(at for pair in pairs for at in pair), len(text)]
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    if all(text[end:start].isspace() for end, start in gaps if end < start) and all(
        end <= start for end, start in gaps
    ):
        return "white space between the pieces is lost: `TextSplitter` trims, unless `trim=False`"
    return (
        "an index is not that of its piece: `chunk_indices` returns it, and a search for the text of "
        "the piece finds the first place that has this text"
    )


@pytest.mark.parametrize("language", list(WORDS))
def test_pages_are_covered_with_overlap(student: Student, rng: Random, language: str) -> None:
    """g, h, i, j: the pages come from an iterator, as `chunk_pages` allows."""
    texts = [random_pages(rng, 1, rng.randint(150, 250), language)[0] for _ in range(2)]
    pages = numbered(rng, [texts[0], " \n ", texts[1], "", "few words", rng.choice("1234")])
    overlap = rng.randint(90, 120)
    size = overlap * 2 + rng.randint(150, 250)
    sent, chunks = chunked(
        student,
        f"six pages ({language}), two blank and one of a single character",
        pages,
        size,
        overlap,
    )
    for page in pages:
        text = plain(page["text"])
        for place in check_cover(sent, pages, chunks, overlap)[page["number"]]:
            check_ends(sent, text, place)
            check_overlap(sent, text, place, overlap)


def check_ends(sent: str, page: str, place: Placed) -> None:
    for at in (place.start, place.end):
        if cuts_a_word(page, at):
            fail(
                sent=sent,
                expected="no word cut in two: every word is far shorter than a chunk",
                got=f"a cut in {page[max(0, at - 15) : at]!r} | {page[at : at + 15]!r}",
                cause="text was cut at a number of characters, or an overlap begins within a word",
            )


def check_overlap(sent: str, page: str, place: Placed, overlap: int) -> None:
    if place.start and place.shared < overlap // LEAST_OVERLAP:
        fail(
            sent=sent,
            expected=f"a chunk that begins with the end of the one before, up to {overlap} characters",
            got=f"{place.shared} characters shared before {page[place.start :][:60]!r}",
            cause="there is no overlap, or far less than there is room for",
        )


def test_repeated_paragraphs_are_all_kept(student: Student, rng: Random) -> None:
    """j: a header and a footer on every page, and paragraphs that occur twice."""
    header, footer, *middle = random_pages(rng, 6, 30)
    texts = ["\n\n".join([header, *rng.choices(middle, k=6), footer]) for _ in range(3)]
    pages = numbered(rng, texts)
    sent, chunks = chunked(student, "three pages that repeat their paragraphs", pages, 400, 80)
    check_cover(sent, pages, chunks, 80)


def test_the_default_size(student: Student, rng: Random) -> None:
    """h: with the sizes of the pipeline."""
    pages = numbered(rng, random_pages(rng, 2, 400))
    sent = "chunk_pages(two pages of 400 words)"
    chunks = as_chunks(sent, called(student, sent, CHUNK, "chunk_pages", pages))
    check_form(sent, chunks, 1_000)
    check_cover(sent, pages, chunks, 150)


def sentence(rng: Random, characters: int) -> str:
    """A sentence of about so many characters."""
    words = WORDS["en"].split()
    text = rng.choice(words).capitalize()
    while len(text) < characters:
        text += " " + rng.choice(words)
    return f"{text} {made_up(rng, 1)[0]}."


def paragraphs(rng: Random) -> tuple[list[str], str]:
    """Each fits 300 characters, no two together do."""
    return [" ".join(sentence(rng, 50) for _ in range(3)) for _ in range(8)], "\n\n"


def sentences(rng: Random) -> tuple[list[str], str]:
    """Of one paragraph; a few of them fit 300 characters."""
    return [sentence(rng, rng.randint(20, 90)) for _ in range(30)], " "


def chinese(rng: Random) -> tuple[list[str], str]:
    """Sentences without any space; many of them fit 300 characters."""
    letters = "港灯台潮汐水先人信号船舶锚天气点检海图北方报告岚静朝渡"
    return ["".join(rng.choices(letters, k=rng.randint(20, 60))) + "。" for _ in range(40)], ""


@pytest.mark.parametrize("make", [paragraphs, sentences, chinese], ids=lambda make: make.__name__)
def test_cuts_fall_on_the_largest_boundary(
    student: Student, rng: Random, make: Callable[[Random], tuple[list[str], str]]
) -> None:
    """a: paragraphs that fit, sentences that fit, and sentences without spaces."""
    parts, between = make(rng)
    text, what = between.join(parts), make.__name__
    pages = [{"number": 1, "text": text}]
    sent, chunks = chunked(student, f"a page of {len(parts)} {what}", pages, 300, 0)
    places = check_cover(sent, pages, chunks, 0)[1]
    ends, at = set(), 0
    for part in parts:
        at += len(part)
        ends.add(at)
        at += 1 if between else 0
    for place in places:
        if place.end not in ends:
            cut = plain(text)
            fail(
                sent=sent,
                expected=f"cuts between the {what}, because each of them fits a chunk",
                got=f"a cut in {cut[max(0, place.end - 25) : place.end]!r} | "
                f"{cut[place.end : place.end + 25]!r}",
                cause="text is cut at the largest boundary that fits: paragraph, else sentence, else "
                "word" + (", in every language" if make is chinese else ""),
            )


def test_a_word_longer_than_a_chunk(student: Student, rng: Random) -> None:
    """a, h: no text is lost, even if a word has to be cut."""
    word = f"{rng.getrandbits(6_000):x}"
    pages = numbered(rng, [f"before {word} after", word])
    sent, chunks = chunked(student, "two pages with a word of 1,500 letters", pages, 200, 40)
    check_cover(sent, pages, chunks, 40)


def test_letters_keep_their_accents(student: Student, rng: Random) -> None:
    """f: a language without spaces, and an accent after every letter."""
    text = "".join(
        chr(rng.randrange(0x0915, 0x0939)) + "\N{COMBINING ACUTE ACCENT}" for _ in range(400)
    )
    pages = [{"number": 1, "text": text}]
    size = rng.randrange(60, 80)
    sent, chunks = chunked(student, "a page of 400 letters with accents", pages, size, 15)
    check_cover(sent, pages, chunks, 15)
    for chunk in chunks:
        if unicodedata.combining(chunk["text"][0]):
            fail(
                sent=sent,
                expected="no cut between a letter and its accent",
                got=f"chunk {chunk['position']} begins with {chunk['text'][:3]!a}",
                cause="what a reader sees as one letter can be several characters: see "
                "`is_character_start`",
            )


@pytest.mark.parametrize("make", TEXTS, ids=lambda make: make.__name__)
def test_where_a_chunk_begins(
    student: Student, rng: Random, make: Callable[[Random], tuple[str, int, int, str]]
) -> None:
    """d, e, f: the first word, else the first character, else no overlap."""
    text, start, overlap, cause = make(rng)
    sent = f"overlap_start({show(text[:60])}{'…' if len(text) > 60 else ''}, {start}, {overlap})"
    found = called(student, sent, CHUNK, "overlap_start", text, start, overlap)
    expected = chunk_begins(text, start, overlap)
    if found != expected:
        fail(
            sent=sent,
            expected=f"{expected}, before {show(text[expected : expected + 20])}",
            got=f"{found}, before {show(text[found : found + 20])}"
            if type(found) is int
            else found,
            cause=cause,
        )
