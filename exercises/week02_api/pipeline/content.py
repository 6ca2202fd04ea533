"""Determines the type of a file from its bytes, never from its name. Given to students complete.

Each function reads as much of the file as it needs, and leaves the file at its start.
"""

from __future__ import annotations

import codecs
import re
import struct
import zipfile
from functools import partial
from typing import BinaryIO

import filetype

from pipeline.documents import PDF

HEAD_BYTES = 8192
"""The number of bytes that the `filetype` library examines."""
PIECE_BYTES = 64 * 1024
DOCX_MEMBER = re.compile(r"word[/\\]document\d*\.xml", re.IGNORECASE)
"""The main part of a Word document. SharePoint adds a number, and some programs write backslashes."""
MAX_DIRECTORY_BYTES = 1024 * 1024
"""The largest directory of a ZIP archive that is opened. `zipfile` reads it into memory as a whole, and
a real DOCX needs a few kilobytes."""
OTHER_HEADS = (b"{\\rtf", b"%!ps", b"<!doctype html", b"<html", b"<?xml", b"<svg", b"pk\x03\x04")
"""The first bytes, in lower case, of other formats that can be valid UTF-8: RTF, PostScript, HTML, XML,
ZIP."""

PDF_HEADER = re.compile(rb"(?:^|[\r\n]|\xef\xbb\xbf)%PDF-\d\.\d")
PDF_HEADER_WITHIN = 1024
PDF_END = b"startxref"

_DIRECTORY_END = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_TAIL_BYTES = 22 + 65535  # a ZIP's end record and the longest comment


def is_pdf(file: BinaryIO) -> bool:
    """Return whether the file is a PDF, by the rules that PDF readers use.

    Readers accept other bytes before the header, such as a line break or a mail's header, if the
    PDF's header begins within the first 1,024 bytes (PDF Reference 1.7, appendix H, note 13). A text
    that only mentions a PDF header has no cross-reference table at its end.
    """
    if filetype.guess_mime(_head(file)) == PDF:
        return True
    return bool(PDF_HEADER.search(_head(file)[:PDF_HEADER_WITHIN])) and PDF_END in _tail(file)


def is_docx(file: BinaryIO) -> bool:
    """Return whether the file is a ZIP archive that contains a Word document.

    `filetype` reports a DOCX as a plain ZIP if its members are in an unusual order. So this function
    looks for the main part of the document.
    """
    if not _head(file).startswith(b"PK\x03\x04") or not _directory_is_small(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return any(map(DOCX_MEMBER.fullmatch, archive.namelist()))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error):
        return False
    finally:
        file.seek(0)


def is_text(file: BinaryIO) -> bool:
    """Return whether the whole file is UTF-8 without NUL, and does not begin with one of `OTHER_HEADS`."""
    start = _head(file).removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(OTHER_HEADS):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in iter(partial(file.read, PIECE_BYTES), b""):
            if "\0" in decoder.decode(piece):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def _tail(file: BinaryIO) -> bytes:
    file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
    tail = file.read()
    file.seek(0)
    return tail


def _directory_is_small(file: BinaryIO) -> bool:
    """Return whether `zipfile` may open it. An archive with a million members would use much memory."""
    tail = _tail(file)
    at = tail.rfind(_DIRECTORY_END)
    if at < 0 or len(tail) < at + 22 or _ZIP64_LOCATOR in tail[max(0, at - 20) : at]:
        return False
    (directory_bytes,) = struct.unpack_from("<I", tail, at + 12)
    return bool(directory_bytes <= MAX_DIRECTORY_BYTES)
