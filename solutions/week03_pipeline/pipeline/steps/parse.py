"""Step 1: a file becomes pages of text.

Runs in a process of its own (`sandbox.py`), because the file comes from a stranger.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import PermanentError
from pipeline.steps.archive import check_archive
from pipeline.steps.errors import (
    DamagedDocument,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    NoTextInDocument,
    UnsupportedDocument,
)
from pipeline.steps.limits import DEFAULT_LIMITS, ParseLimits
from pipeline.steps.text import storable
from pipeline.steps.types import Page

if TYPE_CHECKING:
    from pypdf import PdfReader

# As in `pipeline.documents`, which needs pydantic: too slow for a process that starts so often.
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"


def open_pdf(stream: BinaryIO) -> PdfReader:
    """Open a PDF. Given.

    Raises:
        EncryptedDocument: the file is locked by a certificate, or in another way than by a password.
    """
    # Imported here, so that a process that parses a text file does not wait for pypdf.
    from pypdf import PdfReader

    try:
        return PdfReader(stream)
    except NotImplementedError as error:
        raise EncryptedDocument from error


def pdf_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the text of each page of a PDF, in order; "" for a page without text.

    Raises:
        EncryptedDocument: the file needs a password.
    """
    from pypdf import PasswordType

    # BEGIN SOLUTION 3.1
    # ? Open the stream with `open_pdf` and yield the text of page after page.
    # ? A blank page is a page: yield "" for it, or every later page has the wrong number.
    # ? Many encrypted files open with the empty password: they ask for one only to be changed.
    # ? Read these. If the empty password does not open the file, raise `EncryptedDocument`.
    reader = open_pdf(stream)
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        raise EncryptedDocument
    for page in reader.pages:
        yield page.extract_text()
    # END SOLUTION


def docx_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the text of each page of a Word file, in order: paragraphs, lists and tables.

    A page ends at an explicit page break, and where Word noted that it broke the page when it last
    laid the text out. Right after another break such a note says nothing new.
    """
    from docx.oxml.ns import qn

    from pipeline.steps.word import open_word

    paragraph, row, cell, text = qn("w:p"), qn("w:tr"), qn("w:tc"), qn("w:t")
    line_break, noted_break = qn("w:br"), qn("w:lastRenderedPageBreak")
    # Elements without text, and what a reader sees in their place.
    signs = {
        line_break: "\n",
        qn("w:cr"): "\n",
        qn("w:tab"): "\t",
        qn("w:ptab"): "\t",
        qn("w:noBreakHyphen"): "-",
    }
    body = open_word(stream)
    # BEGIN SOLUTION 3.1
    # ? Walk through all elements of the body in document order (`body.iter()`), so that
    # ? no table is forgotten, and gather the text of the page. A paragraph starts after a blank
    # ? line, a table row on a new line, a paragraph inside a cell after a tab. Text is in `text`
    # ? elements; `signs` says what to write for the elements that have none.
    # ? At a page break (`w:br` with the attribute `w:type` = "page", or Word's note), yield the
    # ? page. The last page ends with no break.
    signs |= {paragraph: "\n\n", row: "\n"}
    page = ""
    for element in body.iter(text, noted_break, *signs):
        explicit = element.tag == line_break and element.get(qn("w:type")) == "page"
        if explicit or (element.tag == noted_break and page.strip()):
            yield page
            page = ""
        elif element.tag == paragraph and element.getparent().tag == cell:
            page += "\t"
        else:
            page += (element.text or "") if element.tag == text else signs.get(element.tag, "")
    yield page
    # END SOLUTION


def text_pages(stream: BinaryIO) -> Iterator[str]:
    """The text of a plain or Markdown file. A form feed ends a page. Given.

    UTF-8, UTF-16 or UTF-32 where a byte order mark says so, else UTF-8, else Windows-1252, in
    which nearly every byte is a character.
    """
    data = stream.read()
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            text = data.decode(encoding)
            break
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    yield from text.replace("\r\n", "\n").replace("\r", "\n").split("\f")


BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

READERS: dict[str, Callable[[BinaryIO], Iterator[str]]] = {
    PDF: pdf_pages,
    DOCX: docx_pages,
    MARKDOWN: text_pages,
    PLAIN: text_pages,
}


def read_pages(data: bytes, content_type: str, limits: ParseLimits) -> Iterator[Page]:
    """The pages, numbered from 1, each ready for JSON and PostgreSQL. Stops at the limits. Given.

    Raises:
        UnsupportedDocument, DocumentTooLarge, and whatever the reader raises.
    """
    reader = READERS.get(content_type)
    if reader is None:
        raise UnsupportedDocument
    stream = io.BytesIO(data)
    if reader is docx_pages:
        check_archive(stream, limits)
    characters = 0
    for number, text in enumerate(reader(stream), start=1):
        characters += len(text)
        if number > limits.pages:
            raise DocumentTooLarge(f"The document has more than {limits.pages} pages.")
        if characters > limits.characters:
            raise DocumentTooLarge(f"The document has more than {limits.characters} characters.")
        yield Page(number=number, text=storable(text).strip())


def parse_document(
    data: bytes, content_type: str, limits: ParseLimits = DEFAULT_LIMITS
) -> list[Page]:
    """The pages of a document. Pure: no network, no files.

    Raises:
        EmptyDocument: there are no bytes.
        NoTextInDocument: no page holds a visible character.
        DamagedDocument: a library could not read the file, whatever it raised.
        EncryptedDocument, UnsupportedDocument, DocumentTooLarge: as their names say.
    """
    # BEGIN SOLUTION 3.1
    # ? `read_pages` gives numbered pages and stops at the limits. Libraries raise
    # ? whatever they like at a broken file: `KeyError`, `RecursionError`, … Turn all that into
    # ? one typed permanent error, but let permanent errors through as they are, and a
    # ? `MemoryError` too.
    # ? A file without bytes, and one without a visible character, each has an error of its own.
    if not data:
        raise EmptyDocument
    try:
        pages = list(read_pages(data, content_type, limits))
    except (PermanentError, MemoryError):
        raise
    except Exception as error:
        raise DamagedDocument from error
    if not any(page["text"] for page in pages):
        raise NoTextInDocument
    return pages
    # END SOLUTION
