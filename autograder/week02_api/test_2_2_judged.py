"""2.2: what `judged_type` returns for each kind of content, under each kind of name."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail
from autograder.sdk.documents import random_document
from autograder.week02_api.inside import Inside

pytestmark = pytest.mark.item("2.2")

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN, TEXT = "text/markdown", "text/plain"
MARKDOWN_NAMES = (
    "notes.md",
    "notes.MD",
    "tide.markdown",
    "Tide.MarkDown",
    "a.pdf.md",
    "two words.Md",
    ".md",
)
OTHER_NAMES = (
    "notes.txt",
    "notes",
    "report.pdf",
    "letter.docx",
    "md",
    "notes.md.txt",
    "notes.mdx",
    "a.MD.bak",
)
BY_NAME = (
    "the content is of this type, whatever the file's name is. Ask `is_pdf` and `is_docx` first"
)
BY_SUFFIX = (
    "a text is Markdown if its name ends with one of `MARKDOWN_SUFFIXES`, in upper or lower case, and "
    "plain text under any other name"
)


def plain_pdf(rng: Random) -> bytes:
    """Return a PDF whose bytes are ASCII, so that they are valid UTF-8 too."""
    return (
        f"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Note ({rng.getrandbits(64):x}) >>\nendobj\n"
        "trailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
    ).encode()


def check(inside: Inside, what: str, content: bytes, name: str, kind: str, cause: str) -> None:
    """Judge a file from its start, and from its end."""
    for position, where in ((0, "start"), (len(content), "end")):
        sent = f"judged_type() of {what} with the name {name!r}, positioned at its {where}"
        said = inside.dict(sent, "judge", content, name, position)
        if said.get("kind") != kind:
            fail(
                sent=sent,
                expected=kind,
                got=said.get("error") or said.get("kind"),
                cause="the file may be at any position, also at its end. Move it to its start, or "
                "use its size, before you look for a first byte"
                if position and said.get("error") == "EmptyUpload"
                else cause,
            )
        if said.get("position") != 0:
            fail(
                sent=sent,
                expected="a file that is at its start afterwards",
                got=f"position {said.get('position')} of {len(content)}",
                cause="your code has read from the file, and the blob store gets only the rest. Call "
                "`file.seek(0)` after reading",
            )


def test_a_pdf_or_docx_under_any_name(inside: Inside, rng: Random) -> None:
    """d, g: each of the two types, and a PDF whose bytes are also valid UTF-8."""
    files = [
        ("a PDF", random_document(rng, "pdf", pages=1).content, PDF),
        ("a PDF of ASCII characters", plain_pdf(rng), PDF),
        ("a DOCX", random_document(rng, "docx", pages=1).content, DOCX),
    ]
    for what, content, kind in files:
        for name in (*OTHER_NAMES, *MARKDOWN_NAMES):
            check(inside, what, content, name, kind, BY_NAME)


def test_a_text_under_any_name(inside: Inside, rng: Random) -> None:
    """c, e, g: texts of several scripts, and texts that look like nothing or like Markdown."""
    word = f"{rng.getrandbits(64):x}"
    texts = [
        ("a text of letters", f"The keeper wrote {word}.\n".encode()),
        ("a text with umlauts", f"Grüße vom Wärter {word}. Ångström, 灯台, 🗼\n".encode()),
        ("a text that begins with '#'", f"# {word}\n\nThe keeper.\n".encode()),
        ("a text with a byte order mark", f"\ufeffThe keeper {word}\n".encode()),
        ("a text of white space", b" \n\t\r\n" * rng.randint(1, 9)),
        ("a text of one letter", rng.choice("abc").encode()),
    ]
    for what, content in texts:
        for name in MARKDOWN_NAMES:
            check(inside, what, content, name, MARKDOWN, cause_of(what, BY_SUFFIX))
        for name in OTHER_NAMES:
            check(inside, what, content, name, TEXT, cause_of(what, BY_SUFFIX))


def cause_of(what: str, otherwise: str) -> str:
    if "white space" in what:
        return "`EmptyUpload` is for a file without a byte. White space is a text: do not strip it"
    if "umlauts" in what:
        return (
            "a text in UTF-8 was not taken as text. `is_text` decides, and it accepts all of UTF-8"
        )
    return otherwise


def test_an_empty_file(inside: Inside) -> None:
    """c: no byte, under names of each type."""
    for name in ("empty.pdf", "empty.md", "empty"):
        sent = f"judged_type() of an empty file with the name {name!r}"
        said = inside.dict(sent, "judge", b"", name, 0)
        if said.get("error") != "EmptyUpload":
            fail(
                sent=sent,
                expected="the error EmptyUpload",
                got=said.get("error") or said.get("kind"),
                cause="`judged_type` must raise `EmptyUpload`, before any other check",
            )
