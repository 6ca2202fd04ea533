"""3.1: files become pages of text, or a typed permanent error."""

from __future__ import annotations

import io
import random

import docx
import pypdf
import pytest
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement

from autograder.week03_pipeline.files import aes_pdf
from bootcamp.samples.documents import make_pdf, random_document, words_of
from pipeline import documents
from pipeline.errors import PermanentError
from pipeline.steps import errors
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse import DOCX, MARKDOWN, PDF, PLAIN, parse_document
from tests.samples import hostile


def saved(document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def texts(data: bytes, content_type: str) -> list[str]:
    pages = parse_document(data, content_type)
    assert [page["number"] for page in pages] == list(range(1, len(pages) + 1))
    return [page["text"] for page in pages]


def test_the_content_types_are_those_of_week_2():
    week2 = (documents.PDF, documents.DOCX, documents.MARKDOWN, documents.TEXT)
    assert week2 == (PDF, DOCX, MARKDOWN, PLAIN)


@pytest.mark.parametrize("language", [None, "de", "pl", "el", "ru", "ja"])
@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_pages_keep_their_words_and_numbers(kind, language):
    made = random_document(random.Random(kind), kind, pages=4, language=language)
    found = texts(made.content, made.media_type)
    assert list(map(words_of, found)) == list(map(words_of, made.pages))


@pytest.mark.parametrize("kind", ["md", "txt"])
def test_text_is_one_page(kind):
    made = random_document(random.Random(kind), kind, language="el")
    found = texts(made.content, made.media_type)
    assert len(found) == 1
    assert words_of(found[0]) == words_of(" ".join(made.pages))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"]
)
def test_text_in_other_encodings(encoding):
    data = "Grüße, Änderung".encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert texts(data, PLAIN) == ["Grüße, Änderung"]


def test_a_form_feed_ends_a_page_of_text():
    assert texts(b"one\r\ntwo\x0c\x0cthree", PLAIN) == ["one\ntwo", "", "three"]


def test_a_blank_page_counts():
    assert texts(make_pdf(["first", "", "third"]), PDF) == ["first", "", "third"]


def test_docx_tables_lists_and_order():
    word = docx.Document()
    word.add_paragraph("before")
    table = word.add_table(2, 2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"cell{number}"
    inner = table.cell(1, 1).add_table(1, 1)
    inner.cell(0, 0).text = "nested"
    word.add_paragraph("bullet", style="List Bullet")
    word.add_paragraph("after")
    [page] = texts(saved(word), DOCX)
    expected = ["before", "cell0", "cell1", "cell2", "cell3", "nested", "bullet", "after"]
    assert words_of(page) == expected
    assert "cell0\tcell1\n" in page


def test_docx_breaks_that_word_noted_count_once():
    word = docx.Document()
    word.add_paragraph("one").add_run().add_break(WD_BREAK.PAGE)
    run = word.add_paragraph().add_run()
    run._r.append(OxmlElement("w:lastRenderedPageBreak"))  # says again what the break said
    run.add_text("two")
    run._r.append(OxmlElement("w:lastRenderedPageBreak"))  # the text flowed over
    run.add_text("three")
    assert texts(saved(word), DOCX) == ["one", "two", "three"]


def test_a_pdf_that_opens_with_the_empty_password():
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["open to read"])))
    writer.encrypt("", owner_password="owner", algorithm="RC4-128")
    assert texts(saved_pdf(writer), PDF) == ["open to read"]


def saved_pdf(writer: pypdf.PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (hostile.encrypted_pdf(), PDF, errors.EncryptedDocument),
        (hostile.truncated_pdf(), PDF, errors.DamagedDocument),
        (hostile.pdf_header_only(), PDF, errors.DamagedDocument),
        (hostile.truncated_docx(), DOCX, errors.DamagedDocument),
        (hostile.plain_zip(), DOCX, errors.DamagedDocument),
        (b"", PDF, errors.EmptyDocument),
        (b"", PLAIN, errors.EmptyDocument),
        (hostile.white_space(), MARKDOWN, errors.NoTextInDocument),
        (hostile.pdf_without_text(), PDF, errors.NoTextInDocument),
        (hostile.empty_docx(), DOCX, errors.NoTextInDocument),
        (b"text", "image/png", errors.UnsupportedDocument),
    ],
)
def test_bad_files_raise_typed_permanent_errors(data, content_type, kind):
    with pytest.raises(kind) as caught:
        parse_document(data, content_type)
    assert isinstance(caught.value, PermanentError)
    assert caught.value.kind != "document_error"


def test_what_postgresql_and_utf8_refuse_is_gone():
    [page] = texts(hostile.text_with_nul(), PLAIN)
    assert "\0" not in page
    assert page.startswith("The keeper wrote and wrote.")


@pytest.mark.parametrize("limits", [ParseLimits(pages=2), ParseLimits(characters=7)])
def test_limits_on_pages_and_characters(limits):
    with pytest.raises(errors.DocumentTooLarge):
        parse_document(b"one\x0ctwo\x0cthree", PLAIN, limits)


def test_the_real_size_of_an_archive_counts_and_not_the_declared_one():
    limits = ParseLimits(unpacked_bytes=5 * (1 << 20))
    lying = hostile.docx_lying_about_size(20 * (1 << 20))
    with pytest.raises((errors.DocumentTooLarge, errors.DamagedDocument)):
        parse_document(lying, DOCX, limits)


def test_a_cipher_that_pypdf_lacks_is_encryption_and_no_damage():
    with pytest.raises(errors.EncryptedDocument):
        parse_document(aes_pdf(random.Random(9)), PDF)
