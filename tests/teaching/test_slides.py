"""Slides: what is shown, what is said, and files that a browser and a PDF reader open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from bootcamp.authoring.make_slides import PROGRAM, render
from bootcamp.authoring.slides import HEAD, Slide, deck, first_sentence, pieces
from bootcamp.course.weeks import Week, all_weeks, find_week
from tests.parts import missing

MOST_LINES = 34
"""Lines of Markdown of one slide. More of them do not fit on a screen."""
NOTES = re.compile(r"<!--\nNotes\.\n.*?-->", re.DOTALL)
each_week = pytest.mark.parametrize("week", all_weeks(), ids=str)


def slides_of(week: Week) -> list[str]:
    return deck(week, lambda _, words: f"![{words}](picture.png)").split("\n---\n\n")


@each_week
def test_each_slide_is_short_and_says_something(week: Week) -> None:
    for slide in slides_of(week):
        shown = NOTES.sub("", slide).strip()
        assert len(shown.splitlines()) <= MOST_LINES, shown
        assert shown.lstrip("# ")
        assert shown.count("```") in (0, 2), shown


@each_week
def test_nothing_of_a_lesson_is_lost(week: Week) -> None:
    """Each paragraph of each lesson is in the notes, or on a slide."""
    text = re.sub(r"\s+", " ", deck(week, lambda picture, _: picture))
    for lesson in sorted(week.lessons.glob("[0-9]*.md")):
        _, *rest = pieces(lesson.read_text(encoding="utf-8"))
        for piece in rest:
            words = re.sub(r"\s+", " ", piece.text).replace("-->", "→")
            if piece.kind == "paragraph" and not words.startswith(("Next: ", "*Week ")):
                assert re.sub("</?code>", "`", words) in text.replace("-->", "→"), words


def test_a_section_shows_its_pictures_and_tables_first() -> None:
    text = "\n---\n\n".join(slides_of(find_week("5")))
    _, _, idea = text.partition("## The idea: wait longer each time")
    assert (
        "![" in idea.partition("\n---\n")[0] + idea.partition("\n---\n")[2].partition("\n---\n")[0]
    )
    assert "| `Retry-After` | `30` | in thirty seconds |" in text


def test_a_question_has_its_answer_in_the_notes() -> None:
    slide = next(one for one in slides_of(find_week("5")) if "random.seed(42)" in one)
    shown, _, notes = slide.partition("<!--")
    assert "What have you built?" in shown
    assert "herd" not in shown
    assert "A herd again" in notes


def test_notes_are_no_directives_and_end_where_they_end() -> None:
    """Marp reads `size: 4:3` in a comment as a setting, and a comment ends at the first arrow."""
    text = Slide("A", ["shown"], ["size: 4:3", "a --> b"]).markdown()
    assert text.count("-->") == 1
    assert text.partition("<!--\n")[2].startswith("Notes.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One task. It parses.", "One task."),
        ("It is 1.5 seconds\nlong. So we wait.", "It is 1.5 seconds long."),
        ("long " * 60 + "end.", ""),
    ],
)
def test_first_sentence(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_marp_makes_html_and_a_pdf_with_notes(tmp_path: Path) -> None:
    if not PROGRAM.is_file():
        missing("Marp is missing. Run `npm ci --prefix tests/teaching/marp`.")
    slides = [
        Slide("First", ["- a point"], ["Say hello."]),
        Slide("Second", ["| a |\n|---|\n| 1 |"]),
    ]
    source = tmp_path / "week.md"
    source.write_text(
        HEAD.format(title="A week") + "\n---\n\n".join(slide.markdown() for slide in slides)
    )
    page, pdf = render(source)
    assert "Say hello." in page.read_text(encoding="utf-8")
    sheets = PdfReader(pdf).pages
    assert all(
        name in sheet.extract_text()
        for name, sheet in zip(("First", "Second"), sheets, strict=True)
    )
    notes = [str(note.get_object().get("/Contents")) for note in sheets[0].get("/Annots", [])]
    assert any("Say hello." in note for note in notes)
