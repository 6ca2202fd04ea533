"""Documents made on demand can be read back word for word."""

from __future__ import annotations

import io
import random

import docx
import pypdf
import pytest

from bootcamp.samples.documents import WORDS, document, make_pdf, random_document, words_of


@pytest.mark.parametrize("language", WORDS)
def test_a_random_pdf_reads_back_page_by_page(language):
    made = random_document(random.Random(7), "pdf", pages=3, words=150, language=language)
    reader = pypdf.PdfReader(io.BytesIO(made.content))
    assert [words_of(page.extract_text()) for page in reader.pages] == list(
        map(words_of, made.pages)
    )


@pytest.mark.parametrize("language", WORDS)
def test_a_random_docx_reads_back(language):
    made = random_document(random.Random(8), "docx", pages=2, language=language)
    text = "\n".join(p.text for p in docx.Document(io.BytesIO(made.content)).paragraphs)
    assert words_of(text) == words_of(" ".join(made.pages))


@pytest.mark.parametrize("kind", ["md", "txt"])
def test_text_is_utf8(kind):
    made = random_document(random.Random(9), kind, language="el")
    assert words_of(made.content.decode()) == words_of(" ".join(made.pages))
    assert made.name.endswith(f".{kind}")


def test_a_page_with_much_text_stays_one_page():
    reader = pypdf.PdfReader(io.BytesIO(make_pdf(["word " * 5_000, "short"])))
    assert [len(page.extract_text().split()) for page in reader.pages] == [5_000, 1]


@pytest.mark.parametrize("kind", ["pdf", "docx", "md", "txt"])
def test_the_same_chance_gives_the_same_bytes(kind):
    made = [random_document(random.Random(3), kind) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != random_document(random.Random(4), kind)


def test_given_pages_and_an_unknown_kind():
    assert document("pdf", ["one", "two"], "given").name == "given.pdf"
    with pytest.raises(KeyError):
        document("exe", ["one"])
