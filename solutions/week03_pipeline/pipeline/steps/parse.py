"""Step 1: a file becomes pages of text.

The worker runs this module in a child process (`sandbox.py`), because the file comes from a stranger.
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

# The same values as in `pipeline.documents`. That module imports pydantic, which would slow down the
# child process: it starts for every document.
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"


def open_pdf(stream: BinaryIO) -> PdfReader:
    """Open a PDF with pypdf. Given to students complete.

    Raises:
        EncryptedDocument: the file is locked, but not by a password: for example by a certificate.
    """
    # Imported here, so that a process that parses a text file does not load pypdf.
    from pypdf import PdfReader

    try:
        return PdfReader(stream)
    except NotImplementedError as error:
        raise EncryptedDocument from error


def pdf_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the text of each page of a PDF, in order. A page without text yields "".

    Args:
        stream: the file, opened for reading bytes.

    Raises:
        EncryptedDocument: nobody can open the file without a password.
        Exception: for a damaged file, pypdf raises errors of many types. `parse_document` catches them.
    """
    from pypdf import PasswordType

    # BEGIN SOLUTION 3.1
    # ? a) Open the stream with `open_pdf`, and yield `page.extract_text()` for each page of `reader.pages`.
    # ? b) Yield "" for a page without text, so that the pages after it keep their numbers.
    # ? c) Before you read a page, call `reader.decrypt("")` if `reader.is_encrypted`. Read a file that the
    # ? empty password opens: it needs a password only for changes.
    # ? d) Raise `EncryptedDocument` if `decrypt` returns `PasswordType.NOT_DECRYPTED`.
    reader = open_pdf(stream)
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        raise EncryptedDocument
    for page in reader.pages:
        yield page.extract_text()
    # END SOLUTION


def docx_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the text of each page of a Word file, in order: paragraphs, lists and tables.

    A page ends at an explicit page break. It also ends at a noted break, where Word broke the page
    when it last laid out the text. A noted break at which the page has no visible text yet repeats the
    break before it, so it is ignored.

    The function is half filled for students: the loop around the block and the last line are given.

    Args:
        stream: the file, opened for reading bytes.

    Raises:
        Exception: for a damaged file, the libraries raise errors of many types.
    """
    from docx.oxml.ns import qn

    from pipeline.steps.word import open_word

    paragraph, row, cell, text = qn("w:p"), qn("w:tr"), qn("w:tc"), qn("w:t")
    line_break, noted_break = qn("w:br"), qn("w:lastRenderedPageBreak")
    # Elements that hold no text, and the text that a reader sees in their place.
    signs = {
        paragraph: "\n\n",  # a blank line before each paragraph
        row: "\n",
        line_break: "\n",
        qn("w:cr"): "\n",
        qn("w:tab"): "\t",
        qn("w:ptab"): "\t",
        qn("w:noBreakHyphen"): "-",
    }
    body = open_word(stream)
    page = ""  # the text of the current page so far
    # All elements of these kinds, in the order in which a reader meets them, also inside tables.
    for element in body.iter(text, noted_break, *signs):
        # BEGIN SOLUTION 3.1
        # ? e) Yield `page` and set it to "" at an explicit page break: the tag is `line_break`, and the
        # ? attribute `qn("w:type")` is "page". Another type, such as "column", is an ordinary line break.
        # ? f) Do the same at a `noted_break` if `page` has a visible character. Otherwise ignore it.
        # ? g) For a paragraph whose parent is a table cell (`element.getparent().tag == cell`), add a tab
        # ? to `page`.
        # ? h) For a `text` element, add `element.text`, which can be None. For all others, add what
        # ? `signs` has for the tag.
        explicit = element.tag == line_break and element.get(qn("w:type")) == "page"
        if explicit or (element.tag == noted_break and page.strip()):
            yield page
            page = ""
        elif element.tag == paragraph and element.getparent().tag == cell:
            page += "\t"
        else:
            page += (element.text or "") if element.tag == text else signs.get(element.tag, "")
        # END SOLUTION
    yield page  # the last page ends without a break


def text_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the pages of a plain text or Markdown file. A form feed ends a page. Given to students complete.

    If the file begins with a byte order mark, the mark decides between UTF-8, UTF-16 and UTF-32. Other
    files are read as UTF-8, and if that fails, as Windows-1252, in which nearly every byte is a
    character.
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
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, because it begins with the mark of UTF-16
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
    """Yield the pages of a document, numbered from 1, without white space around their text. Given to
    students complete.

    A page's text contains no character that JSON or PostgreSQL rejects.

    Raises:
        UnsupportedDocument: there is no reader for this content type.
        DocumentTooLarge: the document has more pages or characters than `limits` allows.
        Exception: whatever the reader raises.
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
    """Return the pages of a document. The result depends on the arguments alone: no network, no files.

    Args:
        data: the bytes of the file.
        content_type: the media type, for example "application/pdf".
        limits: how many pages and characters are allowed. `read_pages` enforces them.

    Returns:
        At least one page, numbered from 1. Blank pages are included.

    Raises:
        EmptyDocument: there are no bytes.
        NoTextInDocument: no page has a visible character.
        DamagedDocument: a library could not read the file, whatever error it raised.
        EncryptedDocument: the file needs a password.
        UnsupportedDocument: there is no reader for this content type.
        DocumentTooLarge: the document has more pages or characters than `limits` allows.
        MemoryError: this process has too little memory. The file may be sound.
    """
    # BEGIN SOLUTION 3.1
    # ? i) Raise `EmptyDocument` if there are no bytes.
    # ? j) Return the pages of `read_pages(data, content_type, limits)` as a list. It is a generator, so
    # ? its errors occur while you build the list.
    # ? k) Raise `DamagedDocument` in place of any other library error, such as `KeyError` or
    # ? `RecursionError`, and do not repeat its message. Let `PermanentError` and `MemoryError` through
    # ? as they are.
    # ? l) Raise `NoTextInDocument` if the text of every page is empty. `read_pages` has removed the
    # ? white space around it.
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
