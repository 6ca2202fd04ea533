"""The hostile documents are what they say: each breaks a careless parser in its own way."""

from __future__ import annotations

import io
import zipfile

import filetype
import pypdf
import pytest
from pypdf.errors import PyPdfError

from tests.samples import hostile

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def test_the_encrypted_pdf_opens_with_its_password_alone():
    reader = pypdf.PdfReader(io.BytesIO(hostile.encrypted_pdf()))
    assert reader.is_encrypted
    with pytest.raises(PyPdfError):
        reader.pages[0].extract_text()
    assert reader.decrypt(hostile.PASSWORD)
    assert "nine metres" in reader.pages[0].extract_text()


@pytest.mark.parametrize("name", ["truncated_pdf", "zero_bytes", "pdf_header_only"])
def test_damaged_pdfs_do_not_parse(name):
    with pytest.raises((PyPdfError, AttributeError, KeyError)):
        text = [
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(hostile.ALL[name]())).pages
        ]
        assert not text, f"{name} has text in it: {text}"
        raise PyPdfError("no page")


def test_the_scan_has_pages_but_no_text():
    reader = pypdf.PdfReader(io.BytesIO(hostile.pdf_without_text(pages=3)))
    assert [page.extract_text().strip() for page in reader.pages] == ["", "", ""]


def test_the_long_pdf_has_all_its_pages():
    reader = pypdf.PdfReader(io.BytesIO(hostile.pdf_with_many_pages(1_000)))
    assert len(reader.pages) == 1_000
    assert "Page after page" in reader.pages[999].extract_text()


def test_the_pdf_bomb_unpacks_to_its_size():
    content = hostile.pdf_stream_bomb(8 * 1024 * 1024)
    assert len(content) < 100_000
    data = pypdf.PdfReader(io.BytesIO(content)).pages[0].get_contents()
    assert data is not None
    assert len(data.get_data()) >= 8 * 1024 * 1024


def test_the_docx_bombs_unpack_to_their_size():
    for maker in (hostile.docx_zip_bomb, hostile.docx_lying_about_size):
        content = maker(8_000_000)
        assert len(content) < 100_000
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            declared = archive.getinfo("word/document.xml").file_size
        assert declared == 1_000 if maker is hostile.docx_lying_about_size else declared > 7_900_000


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("png", "image/png"), ("plain_zip", "application/zip"), ("pdf_stream_bomb", PDF)]
    + [(name, DOCX) for name in hostile.ALL if name.startswith("docx_")],
)
def test_content_tells_the_type(name, media_type):
    small = {"size": 4_000_000} if name in ("pdf_stream_bomb", "docx_zip_bomb") else {}
    assert filetype.guess_mime(hostile.ALL[name](**small)) == media_type
