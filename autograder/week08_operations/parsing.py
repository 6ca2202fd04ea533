"""Documents for 8.7, and calls of the student's parser."""

from __future__ import annotations

import io
import zlib
from random import Random
from typing import Any

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from autograder.sdk import Answer, Student, clean, fail, made, packed
from autograder.sdk.documents import make_pdf

MODULE = "pipeline.steps.fast_parse"
WEEK_THREE = ("pipeline.steps.sandbox", "parse_in_child")
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PLAIN = "text/plain"
CALL_SECONDS = 40.0
MIB = 1024 * 1024
WORDS_OF_A_ROW = 9


def parse(student: Student, content: bytes, content_type: str, **limits: int) -> Answer:
    """What the student's `parse` returns or raises for a document."""
    return parse_by((MODULE, "parse"), student, content, content_type, **limits)


def parse_by(
    function: tuple[str, str], student: Student, content: bytes, content_type: str, **limits: int
) -> Answer:
    """What a parser returns or raises. `limits` are fields of `ParseLimits`."""
    arguments: list[Any] = [made("io", "BytesIO", packed(content)), content_type]
    if limits:
        arguments.append(made("pipeline.steps.limits", "ParseLimits", **limits))
    return student.ask(*function, *arguments, timeout=CALL_SECONDS)


def pages_of(sent: str, answer: Answer, cause: str = "") -> list[str]:
    """The texts of the pages of an answer, which must be numbered from 1.

    Raises:
        CheckFailed: it is an error, or these are not pages.
    """
    if not answer.ok:
        fail(
            sent=sent,
            expected="its pages",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause=cause or "the file is valid, so nothing must be raised",
        )
    try:
        pages = [(page["number"], page["text"]) for page in answer.value]
    except (TypeError, KeyError, ValueError):
        pages = []
    good = all(isinstance(text, str) for _, text in pages)
    if not good or [number for number, _ in pages] != list(range(1, len(pages) + 1)):
        fail(sent=sent, expected="pages with `number`, from 1, and `text`", got=answer.value)
    return [text for _, text in pages]


def check_error(sent: str, answer: Answer, expected: str, cause: str) -> None:
    """Check that an answer is one error, by its name, and permanent."""
    if answer.ok or answer.error != expected or "PermanentError" not in answer.bases:
        got = "pages, and no error" if answer.ok else f"{answer.error}: {clean(answer.message)}"
        fail(sent=sent, expected=expected, got=got, cause=cause)


# -- documents ---------------------------------------------------------------------------------


def made_up(rng: Random, count: int) -> list[str]:
    """Random words, all different, that occur in no other text."""
    return [f"{rng.choice('bdfgklmnprst')}{rng.getrandbits(40):010x}" for _ in range(count)]


def headless_pdf(text: str) -> bytes:
    """A PDF whose first line is damaged: PDFium refuses it, and pypdf reads it."""
    return b"%PDX" + make_pdf([text])[4:]


def form_in_a_form(text: str) -> bytes:
    """A PDF whose text PDFium does not find, and pypdf does: a form that draws itself."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(595, 842)
    form = StreamObject()
    form.set_data(f"/Self Do BT ({text}) Tj ET".encode())
    reference = writer._add_object(form)
    own = DictionaryObject({NameObject("/Self"): reference})
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): ArrayObject(NumberObject(n) for n in (0, 0, 100, 100)),
            NameObject("/Resources"): DictionaryObject({NameObject("/XObject"): own}),
        }
    )
    drawn = StreamObject()
    drawn.set_data(b"/Self Do")
    page[NameObject("/Contents")] = writer._add_object(drawn)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): own})
    return written(writer)


def locked_pdf(text: str, password: str) -> bytes:
    """A PDF that opens with a password alone."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf([text])))
    writer.encrypt(password, algorithm="AES-256")
    return written(writer)


def endless_pdf(pages: int) -> bytes:
    """A PDF of many pages that share one content."""
    kids = b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 3 0 R%s>>"
    return raw_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
            b"<</Length 41>>stream\nBT /F1 10 Tf 50 700 Td (Page on page) Tj ET\nendstream",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *[page % b"/Resources<</Font<</F1 4 0 R>>>>"] * pages,
        ]
    )


def costly_pdf(megabytes: int) -> bytes:
    """One page whose content is this large once it is unpacked: seconds of work for any library."""
    packer = zlib.compressobj(9)
    piece = b"BT (a) Tj ET\n" * (MIB // 13)
    packed = b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()
    return raw_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ]
    )


def typeset_pdf(pages: list[str]) -> bytes:
    """A PDF in which each word has a place of its own, as TeX and word processors write it."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True)
    for page in pages:
        canvas.setFont("Helvetica", 6)
        for number, word in enumerate(page.split()):
            row, column = divmod(number, WORDS_OF_A_ROW)
            canvas.drawString(30 + column * 60, 810 - row * 11, word)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def text_that_swells(megabytes: int) -> bytes:
    """ASCII text with one emoji at its end. As a Python string it takes four times its size."""
    return b"word " * (megabytes * 200_000) + "\N{ROCKET}".encode()


def raw_pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1. The first is the catalogue."""
    file = io.BytesIO()
    file.write(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    table = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.writelines(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    file.write(trailer % (len(objects) + 1, table))
    return file.getvalue()


def written(writer: pypdf.PdfWriter) -> bytes:
    """The bytes of a PDF that pypdf has put together."""
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
