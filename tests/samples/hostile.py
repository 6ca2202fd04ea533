"""Hostile documents, made when a test asks for them, so that no scanner finds them in the checkout.

Every maker returns the file's bytes. `ALL` maps a name to its maker, for parametrized tests;
`FILE_NAMES` holds hostile file names. Use: `from tests.samples import hostile`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from tests.samples.hostile_docx import (
    docx_entity_bomb,
    docx_external_entity,
    docx_lying_about_size,
    docx_path_traversal,
    docx_with_many_members,
    docx_zip_bomb,
    empty_docx,
    plain_zip,
    truncated_docx,
)
from tests.samples.hostile_pdf import (
    PASSWORD,
    encrypted_pdf,
    pdf_claiming_many_pages,
    pdf_form_loop,
    pdf_header_only,
    pdf_page_tree_loop,
    pdf_stream_bomb,
    pdf_with_many_pages,
    pdf_without_pages,
    pdf_without_text,
    truncated_pdf,
    zero_bytes,
)


def png() -> bytes:
    """A picture of one white pixel; give it a name that ends in .pdf."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    )


def html() -> bytes:
    """A page with a script in it; give it a name that ends in .pdf."""
    return b"<!DOCTYPE html><html><body><script>alert(document.domain)</script></body></html>"


def elf() -> bytes:
    """The first bytes of a Linux program; give it a name that ends in .docx."""
    return b"\x7fELF\x02\x01\x01" + bytes(57)


def text_with_nul() -> bytes:
    """A text that PostgreSQL refuses to store as it is."""
    return b"The keeper wrote\x00 and wrote.\n" * 20


def text_not_utf8() -> bytes:
    """A text in Latin-1: no valid UTF-8."""
    return "Der Wärter übte für die Prüfung.\n".encode("latin-1") * 20


def white_space() -> bytes:
    """A text without a word in it."""
    return b" \n\t\r\n" * 500


ALL: dict[str, Callable[[], bytes]] = {
    maker.__name__: maker
    for maker in (
        encrypted_pdf,
        truncated_pdf,
        zero_bytes,
        pdf_header_only,
        pdf_without_text,
        pdf_without_pages,
        pdf_with_many_pages,
        pdf_claiming_many_pages,
        pdf_stream_bomb,
        pdf_page_tree_loop,
        pdf_form_loop,
        docx_zip_bomb,
        docx_lying_about_size,
        docx_with_many_members,
        docx_entity_bomb,
        docx_external_entity,
        docx_path_traversal,
        plain_zip,
        truncated_docx,
        empty_docx,
        png,
        html,
        elf,
        text_with_nul,
        text_not_utf8,
        white_space,
    )
}
"""Every maker by its name."""

FILE_NAMES = (
    "a" * 296 + ".pdf",
    "../../../etc/passwd.pdf",
    "..\\..\\windows\\system32\\evil.pdf",
    "/etc/cron.d/evil.pdf",
    "C:\\boot.pdf",
    "~root/.ssh/authorized_keys.pdf",
    "report\n.pdf",
    "report\r\nX-Injected: yes.pdf",
    "report\x00.pdf",
    "\x1b[2Jcleared.pdf",
    "invoice\u202efdp.exe.pdf",
    "<img src=x onerror=alert(1)>.pdf",
    '"; DROP TABLE chunks; --.pdf',
    "%2e%2e%2f%2e%2e%2fetc.pdf",
    "CON.pdf",
    "..",
    ".",
    "",
    " .pdf ",
    "灯台\U0001f6a8.pdf",
)
"""File names that must never leave the blob store, reach a header, or be run by a page."""

__all__ = [
    "ALL",
    "FILE_NAMES",
    "PASSWORD",
    "docx_entity_bomb",
    "docx_external_entity",
    "docx_lying_about_size",
    "docx_path_traversal",
    "docx_with_many_members",
    "docx_zip_bomb",
    "elf",
    "empty_docx",
    "encrypted_pdf",
    "html",
    "pdf_claiming_many_pages",
    "pdf_form_loop",
    "pdf_header_only",
    "pdf_page_tree_loop",
    "pdf_stream_bomb",
    "pdf_with_many_pages",
    "pdf_without_pages",
    "pdf_without_text",
    "plain_zip",
    "png",
    "text_not_utf8",
    "text_with_nul",
    "truncated_docx",
    "truncated_pdf",
    "white_space",
    "zero_bytes",
]
