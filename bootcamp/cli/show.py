"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from autograder.card import STUDENT_PREFIX, Card
from autograder.run.results import ItemResult, WeekResult
from bootcamp.course.hints import Ladder
from bootcamp.course.manifest import Item, points_text
from bootcamp.course.outcome import Outcome
from bootcamp.student import progress

MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.NOT_GRADABLE: ("!", "yellow"),
    Outcome.GRADER_ERROR: ("?", "magenta"),
    Outcome.UNAVAILABLE: ("○", "cyan"),
}


def show_result(console: Console, result: WeekResult) -> None:
    """A line per item, a card for each that did not pass, and the score."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for justify in ("left", "left", "left", "left", "right"):
        table.add_column(justify=justify)
    for one in result.items:
        mark, style = MARKS[one.outcome]
        table.add_row(
            Text(mark, style=style),
            one.item.id,
            Text(one.item.title),
            Text(one.outcome.value.replace("_", " "), style=style),
            "" if one.outcome is Outcome.UNAVAILABLE else points_text(one.score, one.item.points),
        )
    console.print(table)
    for one in result.items:
        if one.card is not None and one.outcome is not Outcome.SKIPPED:
            console.print(_panel(one, one.card))
        elif one.card is not None:
            console.print(Text(f"{one.item.id} {one.card.got}", style="dim"))
    console.print(f"{result.week}: [bold]{result.total}[/]   (seed {result.seed})", highlight=False)
    if result.unavailable:
        console.print("Not everything could be checked on this machine. The cards say what to do.")
    if result.grader_errors:
        console.print("The grader broke, twice. That is our fault: please report the card above.")


def show_functions(console: Console, item: Item, found: Sequence[Ladder]) -> None:
    """List the functions of an item, each with the hints taken and the command for the next."""
    console.print(
        Text(f"Item {item.id} has {len(found)} functions. Ask for a hint on one of them:")
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in found:
        taken = progress.hints_taken(item.id, one.function)
        command = f"bootcamp hint {item.id} {one.function}"
        table.add_row(f"  {command}", Text(f"{taken} of {len(one.hints)} taken", style="dim"))
    console.print(table)


def show_hint(console: Console, item: Item, ladder: Ladder, number: int) -> None:
    """Show one step of a ladder; the first is number 1."""
    hint = ladder.hints[number - 1]
    step = f"hint {number} of {len(ladder.hints)}, {hint.title.lower()}"
    title = Text(f"Item {item.id}, {ladder.function}: {step}")
    console.print(Panel(Markdown(hint.text), title=title, title_align="left"))


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
