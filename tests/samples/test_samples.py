"""The bundled samples are up to date, readable, and found by the questions asked of them."""

from __future__ import annotations

import io
import tomllib

import docx
import numpy as np
import pypdf
import pytest
from docx.oxml.ns import qn
from docx.table import Table

from bootcamp.paths import SAMPLES
from bootcamp.providers.openai_standin.vectors import embed
from bootcamp.samples.make_samples import make

QUESTIONS = tomllib.loads((SAMPLES / "questions.toml").read_text(encoding="utf-8"))["question"]


def pages_of(name: str) -> list[str]:
    content = (SAMPLES / name).read_bytes()
    if name.endswith(".pdf"):
        return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    if name.endswith(".docx"):
        return docx_pages(content)
    return [content.decode()]


def docx_pages(content: bytes) -> list[str]:
    pages = [""]
    for block in docx.Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(block, Table):
            pages[-1] += "\n".join(" ".join(c.text for c in row.cells) for row in block.rows) + "\n"
            continue
        if any(b.get(qn("w:type")) == "page" for b in block._p.iter(qn("w:br"))):
            pages.append("")
        pages[-1] += block.text + "\n"
    return pages


@pytest.fixture(scope="module")
def pages() -> dict[tuple[str, int], str]:
    names = ("lighthouse_handbook.pdf", "harbour_report.docx", "tide_notes.md", "letter_de.txt")
    return {(name, n): text for name in names for n, text in enumerate(pages_of(name), 1)}


def test_the_samples_are_made_from_their_sources():
    for name, content in make().items():
        assert (SAMPLES / name).read_bytes() == content, (
            f"{name} is not what its source makes: python -m bootcamp.samples.make_samples"
        )


def test_each_sample_has_a_few_pages_of_text(pages):
    counts = {name: sum(n == name for n, _ in pages) for name, _ in pages}
    assert counts == {
        "lighthouse_handbook.pdf": 5,
        "harbour_report.docx": 4,
        "tide_notes.md": 1,
        "letter_de.txt": 1,
    }
    assert all(len(text.split()) > 80 for text in pages.values())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["text"][:40])
def test_a_question_finds_its_page_first(question, pages):
    expected = (question["document"], question["page"])
    assert question["answer"] in " ".join(pages[expected].split())
    vectors = embed([question["text"], *pages.values()], 1536)
    scores = dict(zip(pages, vectors[1:] @ vectors[0], strict=True))
    best = max(scores, key=scores.__getitem__)
    second = sorted(scores.values())[-2]
    assert best == expected, f"found {best} ({scores[best]:.3f}) before {scores[expected]:.3f}"
    assert scores[best] > second * 1.02, "a hair's breadth is no proof"


def test_similar_texts_are_nearer_than_unrelated_ones():
    pairs = [
        ("Clean the lens each morning.", "The lenses are cleaned in the morning."),
        ("The pilot costs 900 crowns by day.", "Daytime pilotage cost: 900 crowns."),
        ("Der Liegeplatz kostet 340 Kronen.", "340 Kronen kosten die Liegeplätze."),
        ("灯台 の 信号 を 点検 する", "灯台 の 点検"),
    ]
    left = embed([a for a, _ in pairs], 1536)
    right = embed([b for _, b in pairs], 1536)
    scores = left @ right.T
    own = np.diag(scores)
    others = scores[~np.eye(len(pairs), dtype=bool)]
    assert own.min() > 2 * others.max()
