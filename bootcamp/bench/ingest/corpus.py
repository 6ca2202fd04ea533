"""The documents of the bench: PDFs as a word processor makes them, drawn by code.

A plain PDF with one line of text for each line of the page would be parsed in no time. A real one places each
word by itself, changes the font within a line, and has tables and drawings. These do so too: pypdf needs as
long for a page as for a page of 60 real PDFs, about 40 ms of processor time.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

DOCUMENTS = 60
WARM_UP = "warm_up.pdf"
LEAST_PAGES, MOST_PAGES = 6, 9
LINES, WORDS_A_LINE = 42, 11
TABLE_ROWS, TABLE_COLUMNS = 8, 6
CURVES = 120
"""Drawn on each third page, as a chart is."""
MARGIN, TOP, LINE_HEIGHT = 56, 790, 14
FONT_SIZE = 10
FONTS = ("Helvetica", "Helvetica-Bold", "Times-Italic")
SYLLABLES = [
    "an",
    "ber",
    "cal",
    "dor",
    "el",
    "fin",
    "gar",
    "hol",
    "in",
    "jas",
    "kel",
    "lor",
    "mar",
    "nor",
    "ol",
    "per",
    "quin",
    "ras",
    "sol",
    "tar",
]


def make_corpus(folder: Path, documents: int = DOCUMENTS) -> int:
    """Write the PDFs into `folder`, and one more for the warm-up. The same PDFs each time.

    Returns:
        The number of their pages, all together, without the warm-up.
    """
    chance = random.Random(20)  # noqa: S311  (documents, not secrets)
    (folder / WARM_UP).write_bytes(make_report(random.Random(1), LEAST_PAGES))  # noqa: S311
    total = 0
    for number in range(documents):
        pages = chance.randint(LEAST_PAGES, MOST_PAGES)
        (folder / f"report{number:02}.pdf").write_bytes(make_report(chance, pages))
        total += pages
    return total


def make_report(chance: random.Random, pages: int) -> bytes:
    """Make one PDF."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=True, pageCompression=1)
    vocabulary = [chance.choices(SYLLABLES, k=chance.randint(1, 4)) for _ in range(1_500)]
    for page in range(pages):
        _draw_text(canvas, chance, vocabulary)
        _draw_table(canvas, chance)
        if page % 3 == 0:
            _draw_chart(canvas, chance)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw_text(canvas: Any, chance: random.Random, vocabulary: list[list[str]]) -> None:
    """Lines of justified text: each word at a place of its own and in pieces, as kerning cuts it."""
    text = canvas.beginText()
    for line in range(LINES - TABLE_ROWS):
        x, y = float(MARGIN), TOP - line * LINE_HEIGHT
        for word in chance.choices(vocabulary, k=WORDS_A_LINE):
            font = chance.choices(FONTS, (8, 1, 1))[0]
            text.setFont(font, FONT_SIZE)
            text.setTextOrigin(x, y)
            for piece in (*word, " "):
                text.textOut(piece)
            x += canvas.stringWidth("".join(word) + " ", font, FONT_SIZE) + chance.random()
    canvas.drawText(text)


def _draw_table(canvas: Any, chance: random.Random) -> None:
    for row in range(TABLE_ROWS):
        y = TOP - (LINES - TABLE_ROWS + row) * LINE_HEIGHT
        for column in range(TABLE_COLUMNS):
            x = MARGIN + column * 80
            canvas.rect(x, y - 3, 80, LINE_HEIGHT)
            canvas.setFont(FONTS[0], FONT_SIZE - 2)
            canvas.drawRightString(x + 76, y, f"{chance.uniform(0, 10_000):,.2f}")


def _draw_chart(canvas: Any, chance: random.Random) -> None:
    for _ in range(CURVES):
        points = [chance.uniform(MARGIN, 500) for _ in range(8)]
        canvas.bezier(*points)
