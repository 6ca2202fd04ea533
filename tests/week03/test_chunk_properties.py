"""3.2: chunks fit, repeat a little, lose nothing, and know their page."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootcamp.samples.documents import WORDS, random_pages
from pipeline.steps.chunk import chunk_pages
from pipeline.steps.types import Page

TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.text(st.sampled_from("ab.\n é\u0301字。👩‍👧"), max_size=400),
    st.lists(st.text("abcdefg", min_size=1, max_size=40), max_size=60).map(" ".join),
)
PAGES = st.lists(TEXT, max_size=4).map(
    lambda texts: [{"number": n, "text": text} for n, text in enumerate(texts, 1)]
)
SIZES = st.integers(10, 120).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(0, size // 2))
)


def visible(text: str) -> str:
    return "".join(text.split())


def joined(texts: list[str], overlap: int) -> tuple[str, list[int]]:
    """The texts with what each repeats of those before taken away, and how much that was.

    Compares visible characters only, so that white space may come and go.
    """
    whole, repeated = "", []
    for text in map(visible, texts):
        most = min(overlap, len(text), len(whole))
        same = next((n for n in range(most, 0, -1) if whole.endswith(text[:n])), 0)
        repeated.append(same)
        whole += text[same:]
    return whole, repeated


def is_subsequence_cover(whole: str, texts: list[str], overlap: int) -> bool:
    """Whether the texts, in order, cover `whole` without a gap, each reaching back at most `overlap`."""
    reachable = {0}
    for text in map(visible, texts):
        nexts = set()
        for end in reachable:
            for start in range(max(0, end - overlap), end + 1):
                if whole.startswith(text, start) and start + len(text) >= end:
                    nexts.add(start + len(text))
        reachable = nexts
    return len(whole) in reachable


@settings(max_examples=300, deadline=None)
@given(PAGES, SIZES)
def test_chunks_fit_and_cover_every_page(pages, sizes):
    max_chars, overlap = sizes
    chunks = chunk_pages(pages, max_chars, overlap)
    assert [chunk["position"] for chunk in chunks] == list(range(len(chunks)))
    assert [c["page"] for c in chunks] == sorted(c["page"] for c in chunks)
    for chunk in chunks:
        assert 0 < len(chunk["text"]) <= max_chars
        assert chunk["text"] == chunk["text"].strip()
    for page in pages:
        texts = [chunk["text"] for chunk in chunks if chunk["page"] == page["number"]]
        assert is_subsequence_cover(visible(page["text"]), texts, overlap)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abcdefg", min_size=1, max_size=8), min_size=40, max_size=200), SIZES)
def test_words_that_fit_are_not_cut(words, sizes):
    max_chars, overlap = sizes
    words = [f"{word}{number}" for number, word in enumerate(words)]  # no two alike
    if max_chars - overlap < max(map(len, words)):
        return
    chunks = chunk_pages([{"number": 1, "text": " ".join(words)}], max_chars, overlap)
    known = set(words)
    for before, chunk in zip([None, *chunks], chunks, strict=False):
        found = chunk["text"].split()
        # the first may be a piece where the last word before is longer than the overlap
        assert set(found[1:]) <= known
        assert found[0] in known or (before and before["text"].endswith(found[0]))


@pytest.mark.parametrize("language", WORDS)
def test_neighbours_on_a_page_share_some_text(language):
    pages = random_pages(random.Random(language), 3, 400, language)
    given_pages = [Page(number=n, text=text) for n, text in enumerate(pages, 1)]
    chunks = chunk_pages(given_pages, 300, 60)
    for number, page in enumerate(pages, 1):
        texts = [chunk["text"] for chunk in chunks if chunk["page"] == number]
        whole, repeated = joined(texts, 60)
        assert whole == visible(page)
        assert len(texts) > 3
        assert all(1 <= shared <= 60 for shared in repeated[1:])


def test_chunks_begin_where_sentences_do_if_those_fit():
    sentences = [f"Sentence number {n} ends here." for n in range(40)]
    chunks = chunk_pages([{"number": 1, "text": " ".join(sentences)}], 200, 0)
    assert all(chunk["text"].startswith("Sentence") for chunk in chunks)
    assert all(chunk["text"].endswith("here.") for chunk in chunks)


def test_paragraphs_are_kept_together_if_they_fit():
    paragraphs = [f"Paragraph {n}. It has two sentences." for n in range(9)]
    chunks = chunk_pages([{"number": 1, "text": "\n\n".join(paragraphs)}], 45, 0)
    assert [chunk["text"] for chunk in chunks] == paragraphs


def test_chinese_is_cut_after_sentences():
    chunks = chunk_pages([{"number": 1, "text": "灯台很老。船长在等天气变好。" * 20}], 30, 0)
    assert len(chunks) > 5
    assert all(chunk["text"].endswith("。") for chunk in chunks)


def test_letters_keep_their_accents():
    chunks = chunk_pages([{"number": 1, "text": "e\u0301" * 200}], 20, 5)
    assert all(not unicodedata.combining(chunk["text"][0]) for chunk in chunks)


@pytest.mark.parametrize("overlap", [-1, 51, 100, 200])
def test_an_overlap_that_cannot_be_is_refused(overlap):
    with pytest.raises(ValueError, match="overlap"):
        chunk_pages([{"number": 1, "text": "text"}], 100, overlap)


def test_nothing_gives_no_chunks():
    assert chunk_pages([]) == []
    assert chunk_pages([{"number": 1, "text": " \n "}]) == []
