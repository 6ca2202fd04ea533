"""Make the sample PDF and DOCX from the Markdown in `source/`: the same source, the same bytes.

Knows just what the sources use: headings, paragraphs, lists, tables, and `---` for a new page.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import docx
from docx.document import Document as WordDocument
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from bootcamp.samples.documents import stamp_word, without_dates

HERE = Path(__file__).resolve().parent
AUTHOR = "Harbour Authority of Port Ellary"
GAP = 8
"""Points between the blocks of a PDF."""


class Block(NamedTuple):
    """A piece of a page. `lines` has one item for a heading or paragraph, else one for each row."""

    kind: Literal["h1", "h2", "text", "list", "table", "page"]
    lines: tuple[str, ...] = ()


def read_blocks(source: str) -> Iterator[Block]:
    """The blocks of a source, which blank lines part."""
    for piece in source.strip().split("\n\n"):
        lines = tuple(piece.strip().splitlines())
        first = lines[0]
        if first == "---":
            yield Block("page")
        elif first.startswith("# "):
            yield Block("h1", (first[2:],))
        elif first.startswith("## "):
            yield Block("h2", (first[3:],))
        elif first.startswith("- "):
            yield Block("list", tuple(line[2:] for line in lines))
        elif first.startswith("|"):
            yield Block("table", (first, *lines[2:]))
        else:
            yield Block("text", (" ".join(lines),))


def pdf(blocks: Sequence[Block], title: str) -> bytes:
    """The blocks as a PDF."""
    file = io.BytesIO()
    template = SimpleDocTemplate(file, pagesize=A4, title=title, author=AUTHOR, invariant=True)
    template.build([part for block in blocks for part in _flowables(block)])
    return file.getvalue()


def word(blocks: Sequence[Block], title: str) -> bytes:
    """The blocks as a DOCX."""
    document = docx.Document()
    for block in blocks:
        _add(document, block)
    stamp_word(document, AUTHOR)
    document.core_properties.title = title
    file = io.BytesIO()
    document.save(file)
    return without_dates(file.getvalue())


def make() -> dict[str, bytes]:
    """File name to content, for every sample that is made."""
    made = {}
    for name, render in (("lighthouse_handbook.pdf", pdf), ("harbour_report.docx", word)):
        source = (HERE / "source" / name).with_suffix(".md").read_text(encoding="utf-8")
        blocks = list(read_blocks(source))
        made[name] = render(blocks, blocks[0].lines[0])
    return made


def _flowables(block: Block) -> list[Flowable]:
    styles = getSampleStyleSheet()
    names = {"h1": "Heading1", "h2": "Heading2", "text": "BodyText"}
    if block.kind == "page":
        return [PageBreak()]
    if block.kind == "table":
        grid: list[Any] = [
            ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ]
        return [Table([_cells(row) for row in block.lines], style=grid), Spacer(0, GAP)]
    if block.kind == "list":
        return [Paragraph(line, styles["BodyText"], bulletText="•") for line in block.lines]
    return [Paragraph(block.lines[0], styles[names[block.kind]]), Spacer(0, GAP / 2)]


def _add(document: WordDocument, block: Block) -> None:
    if block.kind == "page":
        document.add_page_break()  # type: ignore[no-untyped-call]
    elif block.kind == "table":
        rows = [_cells(row) for row in block.lines]
        table = document.add_table(len(rows), len(rows[0]), style="Table Grid")
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
    elif block.kind in ("h1", "h2"):
        document.add_heading(block.lines[0], level=int(block.kind[1]))
    else:
        style = "List Bullet" if block.kind == "list" else None
        for line in block.lines:
            document.add_paragraph(line, style=style)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


if __name__ == "__main__":
    for file_name, content in make().items():
        (HERE / file_name).write_bytes(content)
        print(f"{file_name}: {len(content):,} bytes")
