"""What a student asks for beside a check: `progress`, `hint`, `solution`, `reset`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bootcamp.authoring.scaffold import Block, blocks
from bootcamp.cli.show import show_functions, show_hint
from bootcamp.course.hints import Ladder, ladder_of, ladders
from bootcamp.course.manifest import Item, find_item, load_manifest, points_text
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError, UsageError
from bootcamp.files import shown
from bootcamp.student import progress
from bootcamp.student.overview import ItemOverview, WeekOverview, next_step, overview
from bootcamp.student.reset import Reset, plan_reset, run_reset

SIGNS = {
    None: ("·", "not checked", "dim"),
    Outcome.PASSED: ("✓", "passed", "green"),
    Outcome.FAILED: ("✗", "failed", "red"),
    Outcome.SKIPPED: ("–", "skipped", "yellow"),
    Outcome.NOT_GRADABLE: ("!", "not gradable", "yellow"),
    Outcome.GRADER_ERROR: ("?", "grader error", "magenta"),
    Outcome.UNAVAILABLE: ("○", "unavailable", "cyan"),
}
"""Sign, words and colour: a state is never told by colour alone."""

ItemArgument = Annotated[str, typer.Argument(help="The item's number, such as 1.3.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("progress")(progress_command)
    app.command("hint")(hint_command)
    app.command("solution")(solution_command)
    app.command("reset")(reset_command)


def progress_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show which items have passed, and what to do next."""
    weeks = overview()
    if as_json:
        answer = {"weeks": [week.to_json() for week in weeks], "next": next_step(weeks)}
        typer.echo(json.dumps(answer, indent=1))
        return
    console.print(_table(weeks))
    console.print(Text.assemble(("Next: ", "bold"), next_step(weeks)))


def hint_command(
    item_id: ItemArgument,
    function: Annotated[str, typer.Argument(help="One function, if the item has several.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Repeat the last hint.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show all remaining hints.")] = False,
) -> None:
    """Show the next hint. The first one is a question, the last one is the answer."""
    week, item = find_item(item_id)
    found = ladders(week, item)
    if not function and len(found) > 1:
        show_functions(console, item, found)
        return
    ladder = ladder_of(week, item, function) if function else found[0]
    command = f"bootcamp hint {item.id} {function}".rstrip()
    taken = progress.hints_taken(item.id, ladder.function)
    if again and not taken:
        raise UsageError(f"You have not taken this hint yet: {item.id}.", f"Run: {command}")
    if not again:
        most = len(ladder.hints)
        steps = most if everything else 1
        taken = progress.take_hint(item.id, ladder.function, most, steps)
    for number in range(1 if everything else taken, taken + 1):
        show_hint(console, item, ladder, number)
    console.print(_after_hint(week, item, ladder, taken, command), markup=False)


def solution_command(
    item_id: ItemArgument,
    give_up: Annotated[
        bool,
        typer.Option("--give-up", help="Show it before the item has passed. This is recorded."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Show the reference solution of an item that you have passed.

    In the student edition a week has its solution from the day on which the course closes it.
    """
    week, item = find_item(item_id)
    if week.is_open:
        raise BootcampError(
            f"{week} is open: its solution comes when your course closes the week.",
            "Run `git pull` then, and this command again. "
            f"Until then a hint helps: bootcamp hint {item.id}",
        )
    if not (progress.item_passed(item.id) or progress.revealed(item.id)):
        if not give_up:
            raise BootcampError(
                f"Item {item.id} has not passed its check yet, so its solution stays covered.",
                f"A hint helps: bootcamp hint {item.id}. "
                f"To see the solution anyway: bootcamp solution {item.id} --give-up",
            )
        if not yes:
            typer.confirm(
                f"Show the solution of {item.id}, and keep that it was shown?", abort=True
            )
        progress.reveal(item.id)
    for path, block in _reference(week, item):
        console.print(f"{shown(path)}:{block.code_line}", style="bold", soft_wrap=True)
        console.print(_syntax(path, block))


def reset_command(
    week_name: Annotated[str, typer.Argument(metavar="WEEK", help="5, 05 or week05_retries.")],
    item_id: Annotated[
        str, typer.Option("--item", help="Restore only the files of this item, such as 5.2.")
    ] = "",
    yes: Yes = False,
) -> None:
    """Restore the original exercises of a week. A backup of your files is kept."""
    week = find_week(week_name)
    only = load_manifest(week).item(item_id).files if item_id else ()
    plan = plan_reset(week, only)
    if not plan:
        console.print("There is nothing to reset: the files are as they were handed out.")
        return
    _announce(plan, item_id)
    if not yes:
        typer.confirm("Go on?", abort=True)
    backup = run_reset(plan)
    console.print("Done.")
    if backup:
        console.print("Your files are kept. To have them back:", soft_wrap=True)
        console.print(f"  cp -R {shown(backup)}/. {shown(week.exercises)}/", soft_wrap=True)


def _table(weeks: tuple[WeekOverview, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Item", "", "Points", "Last check", "Hints"):
        table.add_column(name, justify="right" if name in ("Points", "Hints") else "left")
    for week in weeks:
        note = "passed" if week.passed else "changed since it passed" if week.changed else ""
        total = points_text(week.score, week.max_score)
        table.add_row(f"{week.week.number}", _title(week.week), total, note, "", style="bold")
        for item in week.items:
            table.add_row(*_row(item))
    return table


def _row(item: ItemOverview) -> tuple[Text | str, ...]:
    sign, words, colour = SIGNS[item.done.outcome]
    if item.done.revealed_at:
        words += ", solution shown"
    return (
        f" {item.item.id}",
        Text(item.item.title),
        points_text(item.score, item.item.points),
        Text(f"{sign} {words}", colour),
        f"{item.done.all_hints_taken}/{item.hints}",
    )


def _title(week: Week) -> str:
    return week.name.partition("_")[2].replace("_", " ").capitalize()


def _after_hint(week: Week, item: Item, ladder: Ladder, taken: int, command: str) -> str:
    if taken < len(ladder.hints):
        return f"One step further: {command}"
    last = f"That was the last hint. Read lessons/{week.name}/{item.lesson}"
    if week.is_open:
        return f"{last}. The solution comes when your course closes the week."
    return f"{last}, or see the solution: bootcamp solution {item.id} --give-up"


def _reference(week: Week, item: Item) -> Iterator[tuple[Path, Block]]:
    for file in item.files:
        path = week.solutions / file
        for block in blocks(path.read_text(encoding="utf-8"), Path(shown(path))):
            if block.item == item.id:
                yield path, block


def _syntax(path: Path, block: Block) -> Syntax:
    return Syntax(
        "\n".join(block.code),
        Syntax.guess_lexer(str(path)),
        line_numbers=True,
        start_line=block.code_line,
        background_color="default",
        word_wrap=True,
    )


def _announce(plan: Reset, item_id: str) -> None:
    for file in plan.write:
        console.print(f"  back to the start  {shown(plan.week.exercises / file)}", markup=False)
    for file in plan.remove:
        console.print(f"  taken away         {shown(plan.week.exercises / file)}", markup=False)
    shared = {
        other.id
        for other in (load_manifest(plan.week).items if item_id else ())
        if other.id != item_id and {Path(file) for file in other.files} & set(plan.write)
    }
    if shared:
        console.print(f"Work on {', '.join(sorted(shared))} is in these files too.")
