"""The slides of a week, made from its lessons: Markdown for Marp, with the lessons' text as notes.

The rule: of each section, the best two of its pictures, tables, outputs, lists and programs get a slide
of their own, below the first sentence of the paragraph before. A section without any becomes a list of
first sentences. Each question is a slide, and its answer is a note. So a slide shows what a teacher
points at, and the notes contain everything that the lesson says. `make_slides.py` is the command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from bootcamp.authoring.lesson_pages import FRONT, LessonPage, lesson_pages
from bootcamp.course.week_file import load_week_file
from bootcamp.course.weeks import Week

PROGRAM_RANK = 3
"""Programs come after pictures, tables and outputs, and before lists."""
SHOWN = 2
"""How many tables, outputs, programs and so on of one section are shown."""
CODE_LINES = 18
"""Lines of a program on one slide. A longer one goes on, on the next slide."""
GOALS = "You will be able to"
SENTENCES = 3
TABLE_ROWS = 6
LIST_ITEMS = 6
SENTENCE_CHARACTERS = 220
"""A longer first sentence is left to the notes."""
HEAD = """\
---
marp: true
theme: default
paginate: true
size: 16:9
title: "{title}"
style: |
  section {{ font-size: 28px; }}
  section.lead {{ justify-content: center; }}
  pre, table {{ font-size: 21px; }}
  pre code {{ white-space: pre-wrap; }}
  img {{ display: block; margin: 0 auto; max-height: 480px; max-width: 100%; object-fit: contain; }}
---
"""
Draw = Callable[[str, str], str]
"""Takes a Mermaid picture and words for it, and returns Markdown that shows it."""

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.:?!])\s+(?=[A-Z0-9`*\[\"(])")
_TAG = re.compile(r"</?code>")


@dataclass(frozen=True)
class Piece:
    """A paragraph, a list, a table, a fence or another block of a lesson, as it is written."""

    kind: str
    text: str
    info: str = ""


@dataclass
class Slide:
    """What one slide shows, and what its speaker says."""

    heading: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lead: bool = False

    def markdown(self) -> str:
        """The slide as Marp reads it. Notes are a comment, whose first line is no directive."""
        lines = ["<!-- _class: lead -->", ""] if self.lead else []
        lines += [f"{'#' if self.lead else '##'} {self.heading}", ""]
        lines += ["\n\n".join(self.body), ""] if self.body else []
        said = "\n\n".join(_plain(note) for note in self.notes).replace("-->", "→")
        return "\n".join([*lines, f"<!--\nNotes.\n\n{said}\n-->" if said else "", ""])


def deck(week: Week, draw: Draw) -> str:
    """All slides of a week."""
    title = f"Week {week.number}: {load_week_file(week).title}"
    slides = [_opening(week, title)]
    for number, lesson in enumerate(lesson_pages(week), start=1):
        slides += _lesson(number, lesson, draw)
    return HEAD.format(title=title) + "\n---\n\n".join(slide.markdown() for slide in slides)


def pictures(week: Week) -> Iterator[str]:
    """The Mermaid pictures of the week's lessons."""
    for lesson in lesson_pages(week):
        for piece in pieces(lesson.path.read_text(encoding="utf-8")):
            if piece.kind == "fence" and piece.info == "mermaid":
                yield piece.text


def pieces(text: str) -> list[Piece]:
    """The blocks of a page, in order, links between pages reduced to their words."""
    lines = _LINK.sub(r"\1", text).splitlines()
    found = []
    for token in _MARKDOWN.parse("\n".join(lines)):
        if token.level == 0 and token.map and token.nesting >= 0:
            kind = token.type.removesuffix("_open")
            source = "\n".join(lines[token.map[0] : token.map[1]]).strip("\n")
            body = token.content if kind == "fence" else source
            found.append(Piece(kind, body.rstrip(), token.info.partition(" ")[0]))
    return found


def first_sentence(text: str) -> str:
    """The first sentence of a paragraph, or nothing if it is too long for a slide."""
    sentence = _SENTENCE.split(" ".join(text.split()))[0]
    return sentence if len(sentence) <= SENTENCE_CHARACTERS else ""


def _opening(week: Week, title: str) -> Slide:
    overview = (week.lessons / "README.md").read_text(encoding="utf-8")
    goals = overview.partition("\n## Goals\n")[2].partition("\n## ")[0]
    lists = [piece.text for piece in pieces(goals) if piece.kind == "bullet_list"]
    return Slide(title, [_short_list(lists[0])[0]] if lists else [], [goals], lead=True)


def _lesson(number: int, lesson: LessonPage, draw: Draw) -> list[Slide]:
    opening = Slide(lesson.title, [f"Lesson {number} · {lesson.minutes} minutes"], lead=True)
    slides = [opening]
    section, found = "", list[Piece]()
    for piece in _folded(pieces(lesson.path.read_text(encoding="utf-8"))):
        if piece.kind == "heading" and not piece.text.startswith("# "):
            slides += _section(section, found, draw)
            section, found = piece.text.lstrip("# "), []
        elif section == GOALS:
            opening.body.append(piece.text)
        elif section:
            found.append(piece)
        elif piece.kind == "paragraph" and not FRONT.match(piece.text):
            opening.notes.append(piece.text)
    return slides + _section(section, found, draw)


def _folded(found: list[Piece]) -> Iterator[Piece]:
    """The pieces, each folded answer as one piece: the question as its text, the answer as its info."""
    question, answer = "", list[str]()
    for piece in found:
        if piece.kind == "html_block" and (summary := _SUMMARY.search(piece.text)):
            question, answer = _plain(summary[1]), []
        elif question and piece.text.startswith("</details>"):
            yield Piece("question", question, "\n\n".join(answer))
            question = ""
        elif question:
            answer.append(_as_written(piece))
        else:
            yield piece


def _section(heading: str, found: list[Piece], draw: Draw) -> list[Slide]:
    """The slides of one section: what is worth showing, its questions, and the words around them."""
    chosen = _worth_showing(found)
    slides, said = list[Slide](), list[str]()
    for piece in found:
        if piece.kind == "question":
            slides.append(Slide(heading, [piece.text], [piece.info]))
        elif piece in chosen:
            slides += _shown(heading, piece, said, draw)
            said = []
        elif not piece.text.startswith("Next: "):
            said.append(_as_written(piece))
    if slides:
        slides[-1].notes += said
    elif said:
        slides = [Slide(heading, [_points(said)], said)]
    return slides


def _points(said: list[str]) -> str:
    """A list of the first sentences of paragraphs: several of each if there are few paragraphs."""
    each = SENTENCES if len(said) < SENTENCES else 1
    points = [one for text in said for one in _SENTENCE.split(" ".join(text.split()))[:each]]
    short = [point for point in points if len(point) <= SENTENCE_CHARACTERS]
    return "\n".join(f"- {point}" for point in short[:LIST_ITEMS])


def _worth_showing(found: list[Piece]) -> list[Piece]:
    """The pictures, tables, outputs, lists and programs to be shown: not more than `SHOWN`."""
    ranks = {"mermaid": 0, "table": 1, "console": 2, "bullet_list": 4, "ordered_list": 4}
    visible = [one for one in found if one.kind not in ("paragraph", "blockquote", "question")]
    return sorted(visible, key=lambda one: ranks.get(one.info or one.kind, PROGRAM_RANK))[:SHOWN]


def _shown(heading: str, piece: Piece, said: list[str], draw: Draw) -> Iterator[Slide]:
    """The slides of one table, list, program or picture. The first has the words before it."""
    paragraphs = [text for text in said if not text.startswith(("```", "|", "- ", "1. "))]
    words = first_sentence(paragraphs[-1]) if paragraphs else ""
    notes = [*said, piece.text] if piece.kind.endswith("_list") else [*said]
    for number, body in enumerate(_bodies(piece, words or heading, draw)):
        yield Slide(heading, [words, body] if words and number == 0 else [body], notes)
        notes = []


def _as_written(piece: Piece) -> str:
    return f"```{piece.info}\n{piece.text}\n```" if piece.kind == "fence" else piece.text


def _bodies(piece: Piece, words: str, draw: Draw) -> list[str]:
    lines = piece.text.splitlines()
    if piece.kind == "fence" and piece.info == "mermaid":
        return [draw(piece.text, words)]
    if piece.kind == "fence":
        parts = [lines[at : at + CODE_LINES] for at in range(0, len(lines), CODE_LINES)]
        return [f"```{piece.info}\n" + "\n".join(part) + "\n```" for part in parts]
    if piece.kind == "table":
        head, rows = lines[:2], lines[2:]
        parts = [rows[at : at + TABLE_ROWS] for at in range(0, len(rows), TABLE_ROWS)]
        return ["\n".join([*head, *part]) for part in parts]
    return _short_list(piece.text) if piece.kind.endswith("_list") else [piece.text]


def _short_list(text: str) -> list[str]:
    """A list with the first sentence of each item, divided into slides."""
    items = re.split(r"^(?=(?:[-*]|\d+\.) )", text, flags=re.MULTILINE)
    short = [
        " ".join(_SENTENCE.split(" ".join(item.split()))[:1]) for item in items if item.strip()
    ]
    short = [
        _with_first_words(item, whole)
        for item, whole in zip(short, filter(str.strip, items), strict=True)
    ]
    return ["\n".join(short[at : at + LIST_ITEMS]) for at in range(0, len(short), LIST_ITEMS)]


def _with_first_words(item: str, whole: str) -> str:
    """A numbered item keeps more than its number, which looks like a sentence."""
    return (
        " ".join(_SENTENCE.split(" ".join(whole.split()))[:2])
        if re.fullmatch(r"\d+\.", item)
        else item
    )


def _plain(text: str) -> str:
    return _TAG.sub("`", text)
