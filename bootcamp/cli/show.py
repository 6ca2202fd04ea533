"""How results look in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from autograder.card import STUDENT_PREFIX, Card
from autograder.run.results import ItemResult, WeekResult
from bootcamp.course.outcome import Outcome

MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.NOT_GRADABLE: ("!", "yellow"),
    Outcome.GRADER_ERROR: ("?", "magenta"),
}


def show_result(console: Console, result: WeekResult) -> None:
    """A line per item, a card for each that did not pass, and the score."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in result.items:
        mark, style = MARKS[one.outcome]
        table.add_row(
            Text(mark, style=style),
            one.item.id,
            Text(one.item.title),
            Text(one.outcome.value.replace("_", " "), style=style),
            f"{one.score:g}/{one.item.points:g}",
        )
    console.print(table)
    for one in result.items:
        if one.card is not None and one.outcome is not Outcome.SKIPPED:
            console.print(_panel(one, one.card))
        elif one.card is not None:
            console.print(Text(f"{one.item.id} {one.card.got}", style="dim"))
    score = f"{result.score:g} of {result.max_score:g} points"
    console.print(f"{result.week}: [bold]{score}[/]   (seed {result.seed})", highlight=False)
    if result.grader_errors:
        console.print("The grader broke, twice. That is our fault: please report the card above.")


def _panel(one: ItemResult, card: Card) -> Panel:
    body = Table(box=None, show_header=False, pad_edge=False)
    body.add_column(style="dim", no_wrap=True)
    body.add_column(overflow="fold")
    for label, text in card.rows():
        body.add_row(label, Text(text))
    for line in card.log:
        body.add_row("", Text(f"{STUDENT_PREFIX}{line}", style="dim"))
    _, style = MARKS[one.outcome]
    title = Text(f"{one.item.id} {one.item.title}")  # brackets in a title are no markup
    return Panel(body, title=title, title_align="left", border_style=style)
