"""3.1: PDF, DOCX, Markdown and text become pages of text. Unusable files raise a typed permanent error.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned pages and errors.
- place: memory is scarce at four random limits, and once without any limit: the reader raises
  MemoryError.
- store: only what is returned counts.
- probe: a replaced reader can be found by comparing functions. The four limits are real ones.
"""

from __future__ import annotations

import base64
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.sdk.documents import (
    WORDS,
    make_docx,
    make_pdf,
    random_document,
    random_pages,
    scanned_pdf,
    words_of,
)
from autograder.week03_pipeline import files, parser
from autograder.week03_pipeline.shapes import CALL_SECONDS, as_pages

pytestmark = pytest.mark.item("3.1")

PARSE = "pipeline.steps.parse"
MANY_PAGES = 300
MOST_PAGES = 5_000
"""`ParseLimits.pages`"""
MIB = 1024 * 1024


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


def packed(content: bytes) -> dict[str, str]:
    """Bytes in the form in which calls transport them."""
    return {"__type__": "bytes", "value": base64.b64encode(content).decode()}


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


def test_bad_files_are_typed_permanent_errors(student: Student, rng: Random) -> None:
    """a, d, i, k, l: one file for each error, and for each way to it."""
    text = " ".join(files.made_up(rng, 60))
    garbage = rng.randbytes(600)
    check = ErrorCheck(student)
    check("a picture", garbage, "image/png", "UnsupportedDocument")
    for algorithm in ("RC4-128", "AES-256"):
        secret = files.encrypted_pdf(text, files.made_up(rng, 1)[0], algorithm)
        check(f"a PDF that needs a password ({algorithm})", secret, files.PDF, "EncryptedDocument")
    for content_type in (files.PDF, files.DOCX, files.MARKDOWN, files.PLAIN):
        check(f"no bytes at all, as {content_type}", b"", content_type, "EmptyDocument")
    blank = b" \n\t\r\n" * rng.randint(1, 9)
    check("a text file of white space", blank, files.PLAIN, "NoTextInDocument")
    check("a PDF of lines, like a scan", scanned_pdf(rng), files.PDF, "NoTextInDocument")
    check("a DOCX without text", make_docx(["", ""]), files.DOCX, "NoTextInDocument")
    check(
        "'%PDF-1.7' followed by random bytes", b"%PDF-1.7\n" + garbage, files.PDF, "DamagedDocument"
    )
    check(
        "a PDF cut off after a third",
        files.front_of(make_pdf([text] * 3)),
        files.PDF,
        "DamagedDocument",
    )
    check(
        "a DOCX cut off after a third",
        files.front_of(make_docx([text])),
        files.DOCX,
        "DamagedDocument",
    )
    check("random bytes, sent as DOCX", garbage, files.DOCX, "DamagedDocument")
    locked = files.certificate_pdf(text)
    check("a PDF that is locked by a certificate", locked, files.PDF, "EncryptedDocument")
    [name] = files.made_up(rng, 1)
    odd = files.strange_filter_pdf(text, name.encode())
    sent = "a PDF whose page is compressed by an unknown filter"
    check(sent, odd, files.PDF, "DocumentError", hidden=name)


def test_limits_hold(student: Student, rng: Random) -> None:
    """j: the limits of the call, and without them those of `DEFAULT_LIMITS`."""
    pages = rng.randint(3, 9)
    for more, expected in ((0, ""), (1, "DocumentTooLarge")):
        content = files.text_of_many_pages(rng, pages + more)
        outcome = parser.parsed_by_child(student, content, files.PLAIN, pages=pages)
        if outcome.error != expected:
            fail(
                sent=f"a text file of {pages + more} pages, with limits of {pages} pages",
                expected=expected or "its pages",
                got=outcome.error or "pages, and no error",
                cause="pass the `limits` of the call to `read_pages`",
            )
    many = files.text_of_many_pages(rng, MOST_PAGES + 1)
    sent = f"a text file of {MOST_PAGES + 1:,} pages, one more than `ParseLimits` allows"
    ErrorCheck(student)(sent, many, files.PLAIN, "DocumentTooLarge")


@pytest.mark.parametrize("least", [105, 130, 210, 330])
def test_running_out_of_memory_is_no_damage(student: Student, rng: Random, least: int) -> None:
    """k: the parser runs in a child process, as in the worker, but with little memory."""
    mebibytes = rng.randint(least, least + least // 10)
    content = files.text_that_swells(mebibytes // 5 if least < 130 else mebibytes // 4)
    outcome = parser.parsed_by_child(student, content, files.PLAIN, memory_bytes=mebibytes * MIB)
    sent = "a valid text file that needs more memory than the child process may use"
    if outcome.error != "DocumentTooLarge":
        fail(
            sent=sent,
            expected="DocumentTooLarge: the child process turns a MemoryError into this error",
            got=outcome.error or "pages, and no error",
            cause="`except Exception` also catches MemoryError: let it through unchanged",
        )
    if "memory" not in outcome.message:
        fail(
            sent=sent,
            expected="MemoryError from `parse_document`, of which the child process makes: The document "
            "needs too much memory.",
            got=f"{outcome.error}: {outcome.message}",
            cause="`parse_document` turned the MemoryError into another error: let it through unchanged",
        )


@pytest.mark.parametrize("content_type", [files.PDF, files.DOCX, files.MARKDOWN, files.PLAIN])
def test_errors_of_a_reader(student: Student, rng: Random, content_type: str) -> None:
    """k: the reader of each type raises an error after some pages, in a process without a limit."""
    for error in rng.sample(READER_ERRORS, len(READER_ERRORS)):
        spoil = {"kind": content_type, "error": error, "pages": rng.randint(0, 3)}
        answer = student.ask("builtins", "exec", SPOILED, spoil)
        expected = error if error in UNCHANGED else "DamagedDocument"
        if answer.ok or answer.error != expected:
            fail(
                sent=f"parse_document of {content_type}, whose reader raises {error}",
                expected=expected,
                got="no exception" if answer.ok else f"{answer.error}: {answer.message}",
                cause="let `PermanentError` and `MemoryError` through unchanged, and turn any other error "
                "into DamagedDocument",
            )


READER_ERRORS = [
    "MemoryError",
    "EncryptedDocument",
    "KeyError",
    "RecursionError",
    "ZeroDivisionError",
]
UNCHANGED = ("MemoryError", "EncryptedDocument")
SPOILED = """
import builtins
from pipeline.steps import errors, parse

def spoiled(stream):
    for number in range(pages):
        yield f"page {number}"
    raise getattr(errors, error, None) or getattr(builtins, error)

kept, parse.READERS = parse.READERS, {**parse.READERS, kind: spoiled}
try:
    parse.parse_document(b"some bytes", kind)
finally:
    parse.READERS = kept
"""
"""Runs in the student's process, with another reader in place of the given one."""


class ErrorCheck:
    """Sends unusable files to the student's parser."""

    def __init__(self, student: Student) -> None:
        self.student = student

    def __call__(
        self, sent: str, content: bytes, content_type: str, kind: str, hidden: str = ""
    ) -> None:
        """`parse_document` must raise `kind`, which the worker knows to be permanent.

        Args:
            hidden: a word of the file that the message must not contain.
        """
        name = "parse_document"
        answer = self.student.ask(PARSE, name, packed(content), content_type, timeout=CALL_SECONDS)
        wanted = "a DocumentError of the pipeline" if kind == "DocumentError" else kind
        if answer.ok:
            fail(
                sent=sent,
                expected=wanted,
                got=f"no exception, but {answer.value!r}",
                cause="a file without readable text must fail, or its owner searches for it in vain",
            )
        if hidden and hidden in answer.message and "PermanentError" in answer.bases:
            fail(
                sent=sent,
                expected="a message without the text of the file",
                got=f"{answer.error}: {answer.message}",
                cause="the message of a library's error was repeated, and the client sees it",
            )
        if kind in (answer.error, *answer.bases) and "PermanentError" in answer.bases:
            return
        fail(
            sent=sent,
            expected=wanted,
            got=f"{answer.error}: {answer.message}",
            cause=likely_cause(kind, answer.error, answer.bases),
        )


def likely_cause(kind: str, error: str, bases: tuple[str, ...]) -> str:
    """Why an unusable file raised another error than expected."""
    if "PermanentError" not in bases:
        return "a library's own exception got through: turn all other types into DamagedDocument"
    if error == "DamagedDocument":
        if kind == "EncryptedDocument":
            return (
                "pypdf cannot read a locked file, and its error was turned into DamagedDocument: check "
                "`is_encrypted` and `decrypt` first, and raise EncryptedDocument"
            )
        return (
            "an error that has a type of its own was turned into DamagedDocument: let permanent "
            "errors through unchanged, and check each case separately"
        )
    if error == "NoTextInDocument" and kind == "EmptyDocument":
        return "there are no bytes: raise EmptyDocument before you read the file"
    if kind == "NoTextInDocument":
        return "there are bytes, but no page has a visible character: raise NoTextInDocument"
    return "each kind of unusable file has an error of its own: see `pipeline/steps/errors.py`"
