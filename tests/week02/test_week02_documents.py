"""Names for display, content judged by bytes, errors for strangers, and the word count."""

from __future__ import annotations

import io
import json
import random
import unicodedata
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.api.checks import judged_type
from pipeline.documents import DOCX, MARKDOWN, PDF, TEXT, DocumentRef, display_name
from pipeline.errors import (
    BlobNotFound,
    EmptyUpload,
    PipelineError,
    UnsupportedContent,
    public_error,
)
from pipeline.tasks.process import Tally


def archive(*members: str, stored: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for member in members:
            target.writestr(member, stored)
    return file.getvalue()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\a\\evil.pdf", "evil.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\tb\n c.txt", "a b c.txt"),
        ("\x1b[2Jx.md", "[2Jx.md"),
        ("..", "document"),
        ("", "document"),
        ("\u200b\u200b", "document"),
        ("a" * 300 + ".docx", "a" * 115 + ".docx"),
        ("cafe\u0301.txt", "café.txt"),
        ("<b>.txt", "<b>.txt"),
    ],
)
def test_a_name_is_cleaned_for_display(raw, shown):
    assert display_name(raw) == shown


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_name_gets_through_uncleaned(raw):
    shown = display_name(raw)
    assert 0 < len(shown) <= 120
    assert not set(shown) & set("/\\")
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    assert display_name(shown) == shown
    DocumentRef(document_id="1", blob_key="k", filename=shown, content_type=TEXT).model_dump_json()


SMALL_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nstartxref\n9\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a.txt", PDF),
        (b"\n" + SMALL_PDF, "a.pdf", PDF),
        (b"\xef\xbb\xbf" + SMALL_PDF, "a.pdf", PDF),
        (b"From: harbour@example.org\r\nSubject: tides\r\n\r\n" + SMALL_PDF, "a.pdf", PDF),
        (b"\0" * 1_000 + b"\n" + SMALL_PDF, "a.pdf", PDF),
        (b"# How a PDF begins\n\n%PDF-1.7\n", "a.md", MARKDOWN),
        (archive("[Content_Types].xml", "word/document.xml"), "a.pdf", DOCX),
        (archive("[Content_Types].xml", "word/document2.xml"), "a.docx", DOCX),
        (archive("[Content_Types].xml", "word\\document.xml"), "a.docx", DOCX),
        (archive("z.xml", "y.xml", "x.xml", "w.xml", "v.xml", "word/document.xml"), "a", DOCX),
        (b"# Title\n", "a.md", MARKDOWN),
        (b"# Title\n", "A.MARKDOWN", MARKDOWN),
        (b"# Title\n", "a.pdf", TEXT),
        (b"BMW is no bitmap, MZ no program, II* no picture.", "a.txt", TEXT),
        ("\ufeffWärter".encode(), "a.txt", TEXT),
        (b"a < b <html>", "a.txt", TEXT),
        (b"x", "", TEXT),
    ],
)
def test_content_decides(content, name, kind):
    assert judged_type(io.BytesIO(content), name) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 1_024 + b"\n" + SMALL_PDF,
        archive("readme.txt"),
        archive("inner.docx", stored=archive("word/document.xml")),
        archive("xl/workbook.xml"),
        archive("word/document.xml")[:-5],
        b"PK\x03\x04 word/document.xml",
        b"{\\rtf1 text}",
        b"\xef\xbb\xbf <!DOCTYPE html><p>",
        "utf-16".encode("utf-16"),
        b"text" * 50_000 + b"\xff",
        b"text" * 50_000 + b"\xc3",
        b"text" * 50_000 + b"\0",
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(UnsupportedContent):
        judged_type(io.BytesIO(content), "a.txt")


def test_nothing_is_empty():
    with pytest.raises(EmptyUpload):
        judged_type(io.BytesIO(b""), "a.pdf")


@given(st.binary(max_size=300), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_a_verdict(content, name):
    try:
        judged_type(io.BytesIO(content), name)
        judged_type(io.BytesIO(b"PK\x03\x04" + content + b"PK\x05\x06" + content), name)
    except PipelineError as error:
        assert error.http_status in {415, 422}


@given(st.text(alphabet="ab \n\t", max_size=200), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_words_and_lines_do_not_depend_on_where_the_pieces_are_cut(text, seed):
    content, cut, tally = text.encode(), random.Random(seed), Tally()
    at = 0
    while at < len(content):
        step = cut.randint(1, 9)
        tally.add(content[at : at + step])
        at += step
    assert tally.words == len(text.split())
    assert tally.lines == len(text.splitlines())
    assert tally.size == len(content)


def test_only_our_own_errors_speak_to_strangers():
    assert public_error(BlobNotFound())["type"] == "blob_not_found"
    assert public_error(BlobNotFound("Page 3 is gone."))["message"] == "Page 3 is gone."
    for stranger in (ValueError("hunter2"), OSError("/srv/secret"), None, "hunter2"):
        told = json.dumps(public_error(stranger))
        assert "internal_error" in told
        assert "hunter2" not in told
        assert "/srv" not in told
