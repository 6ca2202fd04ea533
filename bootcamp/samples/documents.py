"""Good documents made on demand: PDF, DOCX, Markdown and text from pages of text, or from chance.

Graders and tests make theirs fresh, so that no submission can know them. Hostile ones are in
`tests/samples/hostile.py`.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 595.0, 842.0, 56.0
"""A4, in points. A page with more text than fits is made higher, so page N is always text N."""
FONT_SIZE, LINE_HEIGHT = 10, 14
ZIP_DATE = (2024, 1, 1, 0, 0, 0)
"""Stands in every file that a DOCX holds: the same pages give the same bytes."""

WORDS = {
    "en": "harbour lantern tide pilot signal vessel channel anchor weather keeper rope engine "
    "inspection bearing chart northern repair schedule report storm wooden quiet morning ferry",
    "de": "Hafen Leuchtturm Gezeiten Lotse Schiffe Fahrrinne Anker Wetter Wärter Übung Straße "
    "Prüfung Karte nördlich Bericht Sturm ruhig Morgen Fähre größer schließen Öl",
    "pl": "port latarnia pływ pilot sygnał statek kotwica pogoda łódź żagiel ćwiczenie przegląd "
    "mapa północny sprawozdanie burza cichy poranek prom źródło święto",
    "el": "λιμάνι φάρος παλίρροια πλοηγός σήμα πλοίο άγκυρα καιρός φύλακας έλεγχος χάρτης βόρειος "
    "έκθεση καταιγίδα ήσυχο πρωί πορθμείο",
    "ru": "гавань маяк прилив лоцман сигнал судно якорь погода смотритель проверка карта северный "
    "отчёт шторм тихий утро паром",
    "ja": "港 灯台 潮汐 水先人 信号 船舶 錨 天気 点検 海図 北方 報告 嵐 静か 朝 渡船",
}
"""Language to the words that random text is made of. Japanese sentences are written without spaces
between letters of a word, with spaces between words, so that all languages compare the same way."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and what is in it.

    Args:
        name: a file name with the right ending.
        media_type: what it is, by content.
        content: the file.
        pages: the text of each page, as a parser should find it, give or take white space.
    """

    name: str
    media_type: str
    content: bytes
    pages: tuple[str, ...]


def words_of(text: str) -> list[str]:
    """A text as its words: how to compare what was written with what was parsed."""
    return text.split()


def random_pages(
    chance: random.Random, count: int, words: int = 120, language: str | None = None
) -> list[str]:
    """`count` pages of `words` words each, in sentences and paragraphs, no two pages alike.

    Every sentence holds a word that chance made up ("q7f3k9"), so each can be found again.
    `language` is a key of `WORDS`, English if None.
    """
    vocabulary = WORDS[language or "en"].split()
    return [_page(chance, vocabulary, words) for _ in range(count)]


def random_document(
    chance: random.Random,
    kind: str = "pdf",
    pages: int = 3,
    words: int = 120,
    language: str | None = None,
) -> Document:
    """A random document of one `kind`: "pdf", "docx", "md" or "txt"."""
    return document(
        kind, random_pages(chance, pages, words, language), f"d{chance.randrange(10**9)}"
    )


def document(kind: str, pages: Sequence[str], stem: str = "document") -> Document:
    """A document of one `kind` from given pages. "txt" and "md" join them by blank lines."""
    make, media_type = {
        "pdf": (make_pdf, "application/pdf"),
        "docx": (
            make_docx,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        "md": (make_text, "text/markdown"),
        "txt": (make_text, "text/plain"),
    }[kind]
    return Document(f"{stem}.{kind}", media_type, make(pages), tuple(pages))


def make_text(pages: Sequence[str]) -> bytes:
    """The pages as UTF-8, blank lines between them."""
    return ("\n\n".join(pages) + "\n").encode()


def make_pdf(pages: Sequence[str]) -> bytes:
    """A PDF with one page for each text. The same texts give the same bytes."""
    from reportlab.lib.utils import simpleSplit
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True, pageCompression=1)
    for text in pages:
        font = _font_for(text)
        lines = [
            line
            for paragraph in text.split("\n")
            for line in (
                simpleSplit(paragraph, font, FONT_SIZE, PAGE_WIDTH - 2 * MARGIN)
                if paragraph.strip()
                else [""]
            )
        ]
        height = max(PAGE_HEIGHT, len(lines) * LINE_HEIGHT + 2 * MARGIN)
        canvas.setPageSize((PAGE_WIDTH, height))
        lines_on_page = canvas.beginText(MARGIN, height - MARGIN)
        lines_on_page.setFont(font, FONT_SIZE, leading=LINE_HEIGHT)
        for line in lines:
            lines_on_page.textLine(line)
        canvas.drawText(lines_on_page)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def make_docx(pages: Sequence[str]) -> bytes:
    """A DOCX with a page break between the texts. The same texts give the same bytes."""
    import docx

    word = docx.Document()
    for number, text in enumerate(pages):
        if number:
            word.add_page_break()  # type: ignore[no-untyped-call]
        for paragraph in filter(str.strip, text.split("\n")):
            word.add_paragraph(paragraph)
    stamp_word(word, "bootcamp")
    file = io.BytesIO()
    word.save(file)
    return without_dates(file.getvalue())


def stamp_word(word: WordDocument, author: str) -> None:
    """Put an author and a fixed date on a DOCX, in place of python-docx's own."""
    properties = word.core_properties
    properties.author = author
    properties.created = properties.modified = dt.datetime(*ZIP_DATE)


def without_dates(archive: bytes) -> bytes:
    """The same zip archive with `ZIP_DATE` on every member."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, ZIP_DATE), old.read(name), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _page(chance: random.Random, vocabulary: list[str], words: int) -> str:
    sentences: list[str] = []
    left = words
    while left > 0:
        length = min(left, chance.randint(6, 14))
        chosen = chance.choices(vocabulary, k=length)
        chosen[chance.randrange(length)] = _made_up(chance)
        chosen[0] = chosen[0][0].upper() + chosen[0][1:]
        sentences.append(" ".join(chosen) + ".")
        left -= length
    paragraphs = [" ".join(sentences[at : at + 4]) for at in range(0, len(sentences), 4)]
    return "\n\n".join(paragraphs)


def _made_up(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfghjkmnpqrstvwxz") + str(chance.randrange(10)) for _ in "abc")


def _font_for(text: str) -> str:
    """The plainest font that has every letter of a text."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        pass
    else:
        return "Helvetica"
    has = _letters_of_dejavu()
    missing = any(ord(letter) not in has for letter in text if not letter.isspace())
    return _japanese() if missing else "DejaVu"


@cache
def _letters_of_dejavu() -> frozenset[int]:
    """Registers the font that comes with matplotlib: Latin, Greek, Cyrillic and more."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib, whose fonts non-Latin PDFs are written in")
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = TTFont("DejaVu", str(path))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


@cache
def _japanese() -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiKakuGo-W5"))
    return "HeiseiKakuGo-W5"


def scanned_pdf(chance: random.Random) -> bytes:
    """Two pages of lines, as a scan would be: no text in it."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True)
    for _ in range(2):
        canvas.line(50, chance.randrange(50, 700), 500, chance.randrange(50, 700))
        canvas.showPage()
    canvas.save()
    return file.getvalue()
