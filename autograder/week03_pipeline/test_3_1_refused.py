"""3.1: unusable files raise a typed permanent error, and limits hold."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Student, fail, packed
from autograder.sdk.documents import make_docx, make_pdf, scanned_pdf
from autograder.week03_pipeline import files, parser
from autograder.week03_pipeline.shapes import CALL_SECONDS, PARSE

pytestmark = pytest.mark.item("3.1")

MOST_PAGES = 5_000
"""`ParseLimits.pages`"""
MIB = 1024 * 1024
NO_TEXT = "a file without readable text must fail, or its owner searches for it in vain"
A_PART = "an error while a page is read was dropped. It must fail the file: a part of its text is missing"


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
    odd = files.strange_filter_pdf(text, name.encode(), pages=2)
    sent = "a PDF of two pages, of which one is compressed by an unknown filter"
    check(sent, odd, files.PDF, "DocumentError", hidden=name, cause=A_PART)


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
        self,
        sent: str,
        content: bytes,
        content_type: str,
        kind: str,
        hidden: str = "",
        cause: str = NO_TEXT,
    ) -> None:
        """`parse_document` must raise `kind`, which the worker knows to be permanent.

        Args:
            hidden: a word of the file that the message must not contain.
            cause: why there may be no exception.
        """
        name = "parse_document"
        answer = self.student.ask(PARSE, name, packed(content), content_type, timeout=CALL_SECONDS)
        wanted = "a DocumentError of the pipeline" if kind == "DocumentError" else kind
        if answer.ok:
            fail(
                sent=sent,
                expected=wanted,
                got=f"no exception, but {answer.value!r}",
                cause=cause,
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
