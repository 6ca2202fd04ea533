"""Documents that week 3's graders make beside those of `bootcamp.samples.documents`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

import docx
import pypdf
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from autograder.sdk.documents import make_pdf

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
OWNER = "the owner's password, which only a change of the file needs"


def made_up(rng: Random, count: int) -> list[str]:
    """Random words, all different, that occur in no other text."""
    return [f"{rng.choice('bdfgklmnprst')}{rng.getrandbits(40):010x}" for _ in range(count)]


@dataclass(frozen=True)
class WordFile:
    """A DOCX, the words of each page, and what stands between some of them."""

    content: bytes
    pages: list[list[str]]
    signs: list[tuple[str, str, str]]
    """Two words, and the sign between them: "\\t" (on one line), "\\n" (the next line) or "\\n\\n"."""


def word_file(rng: Random) -> WordFile:
    """A DOCX of five pages, of which the third is blank.

    It has a list, a table with a table in it, tabs, line breaks of three types, a non-breaking hyphen,
    a piece of text that is empty, and one that ends with a space. One page ends in the middle of a
    paragraph, two breaks follow each other, and three breaks are only noted.
    """
    words = made_up(rng, 20)
    halves = made_up(rng, 2)
    word = docx.Document()
    word.add_paragraph(f"{words[0]} {words[1]}")
    table = word.add_table(2, 2)
    cells = [cell for row in table.rows for cell in row.cells]
    for cell, text in zip(cells, words[2:6], strict=True):
        cell.text = text
    cells[-1].add_table(1, 1).cell(0, 0).text = words[6]
    word.add_paragraph(words[7], style="List Bullet")
    run = word.add_paragraph(words[8]).add_run()
    run.add_break(WD_BREAK.PAGE)
    run.add_text(words[9])  # the same paragraph, the next page
    run.add_break()
    run.add_text(words[10])
    run.add_tab()
    run.add_text(words[11])
    run.add_break(WD_BREAK.COLUMN)
    run._r.append(OxmlElement("w:t"))  # lxml says that its text is None
    run.add_text(words[16])
    run._r.add_br().set(qn("w:type"), "textWrapping")
    run.add_text(words[19])
    run.add_break(WD_BREAK.PAGE)
    run.add_break(WD_BREAK.PAGE)
    run._r.append(OxmlElement("w:lastRenderedPageBreak"))  # no text at all since the explicit break
    run = word.add_paragraph().add_run()
    run._r.append(OxmlElement("w:lastRenderedPageBreak"))  # repeats the explicit break
    run.add_text(f"{words[12]} {words[13]}")
    run._r.append(OxmlElement("w:lastRenderedPageBreak"))  # the text flowed over
    run.add_text(f"{words[14]} {words[15]} {halves[0]}")
    run._r.append(OxmlElement("w:noBreakHyphen"))
    run.add_text(halves[1])
    run._r.append(OxmlElement("w:cr"))
    run.add_text(halves[0])
    split = word.add_paragraph(f"{words[17]} ")  # the space belongs to the first piece
    split.add_run(words[18])
    file = io.BytesIO()
    word.save(file)
    last = [*words[14:16], "-".join(halves), halves[0], *words[17:19]]
    pages = [words[:9], [*words[9:12], words[16], words[19]], [], words[12:14], last]
    signs = [
        (words[2], words[3], "\t"),
        (words[4], words[5], "\t"),
        (words[3], words[4], "\n"),
        (words[7], words[8], "\n\n"),
        (words[9], words[10], "\n"),
        (words[10], words[11], "\t"),
        (words[11], words[16], "\n"),
        (words[16], words[19], "\n"),
        (halves[0], words[17], "\n\n"),
    ]
    return WordFile(file.getvalue(), pages, signs)


def encrypted_pdf(
    text: str, password: str, algorithm: str = "RC4-128", owner: str = OWNER
) -> bytes:
    """A PDF that is encrypted with a password. With the password "" it opens without one.

    Args:
        owner: the password for changes. It can be empty too.
        algorithm: "RC4-128", "AES-128", or "AES-256", which needs pypdf's extra `crypto`.
    """
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf([text])))
    writer.encrypt(password, owner_password=owner, algorithm=algorithm)
    return _written(writer)


def certificate_pdf(text: str) -> bytes:
    """A PDF that only the holder of a certificate can open: it is encrypted, but not by a password."""
    return encrypted_pdf(text, "").replace(b"/Filter /Standard", b"/Filter /PubSec00", 1)


def strange_filter_pdf(text: str, name: bytes, pages: int = 1) -> bytes:
    """A PDF, one page of which has an unknown filter: pypdf raises `NotImplementedError` for it."""
    return make_pdf([text] * pages).replace(b"/ASCII85Decode", b"/" + name, 1)


def front_of(content: bytes) -> bytes:
    """The first third of a file. Its table of contents, which comes last, is missing."""
    return content[: len(content) // 3]


def text_of_many_pages(rng: Random, pages: int) -> bytes:
    """A text file with a form feed after every page."""
    return "\f".join(made_up(rng, pages)).encode()


def text_that_swells(megabytes: int) -> bytes:
    """ASCII text with one emoji at its end. As a Python string it takes four times its size."""
    return b"word " * (megabytes * 200_000) + "\N{ROCKET}".encode()


def _written(writer: pypdf.PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
