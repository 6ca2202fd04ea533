"""3.1: PDF, DOCX, Markdown and text become pages of text.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned pages and errors.
- place: memory is scarce at four random limits, and once without any limit: the reader raises
  MemoryError.
- store: only what is returned counts.
- probe: a replaced reader can be found by comparing functions. The four limits are real ones.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail, packed
from autograder.sdk.documents import (
    WORDS,
    make_docx,
    make_pdf,
    random_document,
    random_pages,
    words_of,
)
from autograder.week03_pipeline import files
from autograder.week03_pipeline.shapes import CALL_SECONDS, PARSE, as_pages

pytestmark = pytest.mark.item("3.1")

MANY_PAGES = 300


def parse(student: Student, sent: str, content: bytes, content_type: str) -> list[dict[str, Any]]:
    """The pages that the student's parser finds in a valid file."""
    data = packed(content)
    answer = student.ask(PARSE, "parse_document", data, content_type, timeout=CALL_SECONDS)
    if not answer.ok:
        fail(
            sent=sent,
            expected="no exception",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause=WRONGLY_REFUSED.get(answer.error, "")
            or "the file is valid, so nothing must be raised: see the line that is named here",
        )
    return as_pages(sent, answer.value)


WRONGLY_REFUSED = {
    "EncryptedDocument": "the empty password opens this file: refuse only what `decrypt` calls "
    "NOT_DECRYPTED",
    "NoTextInDocument": "only some of the pages are blank: the file has no text if all of them are",
}


def check_pages(sent: str, found: list[dict[str, Any]], expected: list[list[str]]) -> None:
    """The words of each page, under the right number."""
    numbers = [page["number"] for page in found]
    if len(found) != len(expected):
        fail(
            sent=sent,
            expected=f"{len(expected)} pages; a blank one is a page too",
            got=f"{len(found)} pages, numbers {numbers[:8]}",
            cause=why_not_as_many(len(found) - len(expected)),
        )
    if numbers != list(range(1, len(expected) + 1)):
        fail(
            sent=sent,
            expected=f"page numbers 1 to {len(expected)}",
            got=f"{numbers[:8]} …",
            cause="page numbers count from 1, and blank pages count too",
        )
    for page, words in zip(found, expected, strict=True):
        if (got := words_of(page["text"])) != words:
            fail(
                sent=sent,
                expected=f"on page {page['number']}: {shown(words)}",
                got=shown(got),
                cause=why_not(page["text"], words, found),
            )


def why_not_as_many(more: int) -> str:
    """Why there are too many pages, or too few (then `more` is negative)."""
    if more < 0:
        return (
            "a page without text was left out, a break does not end the page (an explicit one, or one "
            "that Word noted), or the text after the last page break was lost"
        )
    return (
        "a break was counted twice: ignore a noted break if the page has no visible character yet, "
        "because it repeats the break before it"
    )


def why_not(text: str, words: list[str], pages: list[dict[str, Any]]) -> str:
    """Where the words are that a page should have."""
    gone = [word for word in words if word not in text]
    for other in pages:
        if gone and gone[0] in words_of(other["text"]):
            return f"{gone[0]} is on page {other['number']}: a page ends exactly at the break"
    if "None" in text:
        return "the text of an empty `w:t` element is None: then add nothing"
    if gone and gone[0].replace("-", "") in text:
        return f"the hyphen of {gone[0]} is lost: it is an element without text, so take it from `signs`"
    if gone:
        return f"these words are lost: {shown(gone)}"
    return "words are glued together, repeated, out of order, or on another page"


def shown(words: list[str]) -> str:
    """The first words of many."""
    return " ".join(words[:12]) + (" …" if len(words) > 12 else "") if words else "no words"


@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_pages_in_many_languages(student: Student, rng: Random, kind: str) -> None:
    """a: one document, every page in another language."""
    pages = [random_pages(rng, 1, 40, language)[0] for language in WORDS]
    rng.shuffle(pages)
    make, media_type = {"pdf": (make_pdf, files.PDF), "docx": (make_docx, files.DOCX)}[kind]
    sent = f"a {kind.upper()} of {len(pages)} pages, each in another language"
    found = parse(student, sent, make(pages), media_type)
    check_pages(sent, found, [words_of(page) for page in pages])


@pytest.mark.parametrize("kind", ["md", "txt"])
def test_text_is_one_page(student: Student, rng: Random, kind: str) -> None:
    made = random_document(rng, kind, 3, 40, rng.choice(list(WORDS)))
    sent = f"a .{kind} file of {len(made.content)} bytes"
    found = parse(student, sent, made.content, made.media_type)
    check_pages(sent, found, [words_of(" ".join(made.pages))])


def test_blank_pages_of_a_pdf_count(student: Student, rng: Random) -> None:
    """b: a blank page at the beginning, in the middle and at the end."""
    first, second, third = random_pages(rng, 3, 30)
    pages = ["", first, "", "", second, third, ""]
    sent = "a PDF of 7 pages, of which the 1st, 3rd, 4th and 7th are blank"
    check_pages(sent, parse(student, sent, make_pdf(pages), files.PDF), list(map(words_of, pages)))


def test_all_that_a_word_file_holds(student: Student, rng: Random) -> None:
    """e, f, g, h: every kind of element that holds text, ends a page or has a sign of its own."""
    word = files.word_file(rng)
    sent = (
        "a DOCX with a list, a table in a table, tabs, line breaks, a column break, a non-breaking "
        "hyphen, an empty piece of text, a page break in the middle of a paragraph, a blank page, and "
        "page breaks that Word noted"
    )
    found = parse(student, sent, word.content, files.DOCX)
    check_pages(sent, found, word.pages)
    check_signs(sent, "\n".join(page["text"] for page in found), word.signs)


def check_signs(sent: str, text: str, signs: list[tuple[str, str, str]]) -> None:
    """Check what stands between two words of a Word file."""
    for before, after, sign in signs:
        end = text.index(after)
        between = text[text.rindex(before, 0, end) + len(before) : end]
        if not right_sign(between, sign):
            fail(
                sent=sent,
                expected=f"{sign!r} between {before} and {after}, which are {PLACES[sign]}",
                got=f"{between!r}",
                cause="a paragraph in a table cell begins with a tab, and each other element with what "
                "`signs` has for it",
            )


PLACES = {
    "\t": "in one row of a table, or divided by a tab",
    "\n": "in two rows of a table, or divided by a line break or a column break",
    "\n\n": "in two paragraphs",
}


def right_sign(between: str, sign: str) -> bool:
    """Whether two words are on one line, on two lines, or in two paragraphs. Other blanks may stand there."""
    lines = between.count("\n")
    if sign == "\t":
        return "\t" in between and not lines
    return lines == 1 if sign == "\n" else lines >= 2


def test_three_hundred_pages(student: Student, rng: Random) -> None:
    made = random_document(rng, "pdf", MANY_PAGES, 12)
    sent = f"a PDF of {MANY_PAGES} pages"
    found = parse(student, sent, made.content, made.media_type)
    check_pages(sent, found, [words_of(page) for page in made.pages])


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_opens_without_a_password(student: Student, rng: Random, algorithm: str) -> None:
    """c: the empty password opens the file. In one of them it also allows changes."""
    [page] = random_pages(rng, 1, 20)
    sent = f"a PDF encrypted by {algorithm} with the empty password: it opens without a password"
    found = parse(student, sent, files.encrypted_pdf(page, "", algorithm), files.PDF)
    check_pages(sent, found, [words_of(page)])
    sent += ", and both of its passwords are empty"
    found = parse(student, sent, files.encrypted_pdf(page, "", algorithm, owner=""), files.PDF)
    check_pages(sent, found, [words_of(page)])
