"""Reads PDFs with a faster library, in children of a parent that has loaded the libraries already.

The profile of a document shows two costs: pypdf, which is written in Python, and the start of a Python for
every document. PDFium is the PDF library of Chromium, written in C++, and pypdfium2 is its binding.

`parse` keeps everything that `sandbox.parse_in_child` promises: the same arguments, limits and errors. The
worker runs `parse`. The other functions run in the child, for which the limits hold.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.steps.errors import DamagedDocument, NoTextInDocument
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse import PDF, READERS, parse_document
from pipeline.steps.parse_child import answer, confine
from pipeline.steps.types import Page

PDFIUM = "application/pdf; by=pdfium"
"""The key of the fast reader in `READERS`. No document has this content type."""


def parse(document: BinaryIO, content_type: str, limits: ParseLimits | None = None) -> list[Page]:
    """Return the pages of a document, as `parse_in_child` does. Given to students complete.

    Raises:
        DocumentError: the file is at fault. It is always one of the subclasses.
        ParserUnavailable: this machine could not start a process, or somebody has killed the parent.
    """
    # Imported here, because the parent imports this module too, and does not need the worker's side.
    from pipeline.steps import parse_client, sandbox

    return sandbox.parse_in_child(document, content_type, limits, run=parse_client.run_forked)


def pdfium_pages(stream: BinaryIO) -> Iterator[str]:
    """Yield the text of each page of a PDF, in order. A page without text yields "".

    Raises:
        PdfiumError: PDFium cannot read the file, for example because it is damaged or locked.
    """
    import pypdfium2  # in the child alone, as `open_pdf` does it: the worker never loads a parser

    # TODO 8.7:
    #   a) Open the stream with `pypdfium2.PdfDocument`. Iterating over it gives the pages, and
    #      `page.get_textpage().get_text_range()` is the text of one.
    #   b) Yield the pages one at a time, so that a limit can stop the reader after any of them.
    #   c) Yield line breaks as "\n". PDFium writes them as "\r\n".
    raise NotImplementedError("8.7")


READERS[PDFIUM] = pdfium_pages


def parse_fast(data: bytes, content_type: str, limits: ParseLimits) -> list[Page]:
    """Return the pages of a document: a PDF by PDFium, or by pypdf if PDFium gets nothing out of it.

    Args:
        data: the bytes of the file.
        content_type: the media type of the document.
        limits: the limits on pages and characters. They hold for both libraries.

    Raises:
        DocumentError: as `parse_document` raises it.
    """
    # TODO 8.7:
    #   d) Read a PDF by `parse_document(data, PDFIUM, limits)`. It uses `pdfium_pages`, numbers the
    #      pages, and checks the limits.
    #   e) If that raises `DamagedDocument` or `NoTextInDocument`, let pypdf read the file:
    #      `parse_document` with the true content type. Its pages or its error are the result.
    #   f) Let every other error through. A document that exceeds a limit is not read again by
    #      pypdf.
    #   g) Read all other content types as before.
    raise NotImplementedError("8.7")


def child_main(content_type: str, limits: ParseLimits) -> None:
    """Parse one document in a child that has just been forked, and write the answer as JSON.

    The document is standard input, and the answer goes to standard output. The child ends when this
    function returns. It is a copy of the parent, which has no limits.

    Args:
        content_type: the media type of the document.
        limits: the limits of this document.
    """
    logging.disable()  # pypdf logs a warning for every small irregularity of a file
    sys.stdout = sys.stderr  # so what a library prints does not become a part of the answer
    with os.fdopen(1, "wb") as output:
        # TODO 8.7:
        #   h) Limit this process with `confine(limits)` before it touches the document.
        #   i) Read the whole document from `sys.stdin.buffer`, and parse it with `parse_fast`. Let
        #      `answer` call it, which turns pages and errors into one line of JSON.
        #   j) Write the line to `output`, encoded as UTF-8.
        raise NotImplementedError("8.7")
