"""`bootcamp demo`: everything at work on the bundled samples."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from bootcamp import paths
from bootcamp.demo.scenes import scenes
from bootcamp.demo.stage import Answer, Progress, Report, Show, Story, demo, whose_openai
from bootcamp.errors import EXIT_INTERRUPTED, BootcampError
from bootcamp.samples.library import Samples
from bootcamp.stack.up import stopped_by_signals, wait_for_the_end

EXCERPT_CHARS = 160
"""How much of the text is shown on either side of the words that were found."""
COLOURS = {"completed": "green", "failed": "bold red", "processing": "cyan"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("demo")(demo_command)


def demo_command(
    once: Annotated[bool, typer.Option("--once", help="Stop when the demo has finished.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the result as JSON, and the text to stderr."),
    ] = False,
    samples: Annotated[
        Path,
        typer.Option(metavar="DIR", help="A folder of other documents, with a `questions.toml`."),
    ] = paths.SAMPLES,
    real_openai: Annotated[
        bool,
        typer.Option(
            "--real-openai",
            help="Use the real OpenAI service with the key in OPENAI_API_KEY, which costs money. "
            "Without this option the demo never does, even if a key is set.",
        ),
    ] = False,
) -> None:
    """Start the reference pipeline, process sample documents, and search them.

    It runs until Ctrl-C. Exit code: 0 every document was processed and every question found the
    right page, 1 otherwise.
    """
    console = Console(stderr=as_json, highlight=False)
    console.soft_wrap = not console.is_terminal  # a line in a log stays one line
    done = False
    with stopped_by_signals():
        try:
            material, show = Samples.load(samples), _show_on(console)
            console.print(whose_openai(real_openai))
            with demo(scenes(), material, show, real_openai=real_openai) as stage:
                done = True
                if as_json:
                    print(json.dumps(stage.report.to_json(), ensure_ascii=False), flush=True)
                console.print(_verdict(stage.report))
                if not once:
                    console.print(_stays_up(stage.report))
                    wait_for_the_end(stage.apps, lambda text: console.print(text, style="yellow"))
        except KeyboardInterrupt:
            console.print("Stopped." if done else "Stopped before it was done.")
            raise typer.Exit(0 if done else EXIT_INTERRUPTED) from None
        except BootcampError as error:
            if as_json and not done:
                print(json.dumps({"ok": False, "error": str(error)}, ensure_ascii=False))
            raise


def _stays_up(report: Report) -> str:
    page, docs = report.addresses.get("Status page"), report.addresses["API docs"]
    look = f"Open the status page: {page}   Try" if page else "Try"
    if "API key" in report.addresses:
        look = f"Sign in with the API key above. {look}"
    return f"It stays up. {look} the API: {docs}   Ctrl-C stops it."


def _verdict(report: Report) -> Text:
    words = f"{len(report.documents)} documents processed, {len(report.answers)} questions answered"
    words += f", {len(report.stories)} scenes played" if report.stories else ""
    return Text(f"✓ {words}, in {report.seconds:.1f} s.", style="bold green")


def _show_on(console: Console) -> Show:
    live = console.is_terminal and not console.is_dumb_terminal
    return TerminalShow(console) if live else PlainShow(console)


def excerpt(text: str, found: str) -> tuple[str, str, str]:
    """The text around the words that were found: before, the words, after. Cut between words."""
    start = text.lower().index(found.lower())
    end = start + len(found)
    before, after = text[:start], text[end:]
    if len(before) > EXCERPT_CHARS:
        before = "… " + before[-EXCERPT_CHARS:].partition(" ")[2]
    if len(after) > EXCERPT_CHARS:
        after = after[:EXCERPT_CHARS].rpartition(" ")[0] + " …"
    return before, text[start:end], after


class PlainShow:
    """For pipes, files and CI: lines, each printed once, without control codes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False)

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        self._line(f"{text} …")
        yield
        self._line(f"  {time.monotonic() - started:.1f} s")

    def stage(self, report: Report) -> None:
        for name, value in _facts(report).items():
            self._line(f"  {name:<20} {value}")

    @contextmanager
    def documents(self, documents: Sequence[Progress]) -> Iterator[Callable[[], None]]:
        width = max(len(one.name) for one in documents)
        said = [""] * len(documents)

        def tell() -> None:
            for number, one in enumerate(documents):
                line = f"{one.name:<{width}}  {one.percent:>3} %  {_where(one)}"
                if one.status != "waiting" and line != said[number]:
                    said[number] = line
                    self._line(line)

        yield tell

    def answer(self, answer: Answer) -> None:
        before, found, after = excerpt(answer.text, answer.found)
        self._line(answer.question)
        self._line(f"  {answer.document}, page {answer.page}, score {answer.score:.2f}")
        self._line(f"  {before}*{found}*{after}")

    def story(self, story: Story) -> None:
        self._line(story.title)
        for line in story.lines:
            self._line(f"  {line}")


class TerminalShow:
    """For people: a spinner while something starts, a bar per document."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        with self.console.status(text):
            yield
        self.console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - started:.1f} s[/]")

    def stage(self, report: Report) -> None:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in _facts(report).items():
            table.add_row(name, Text(value))
        self.console.print(Padding(table, (1, 2)))

    @contextmanager
    def documents(self, documents: Sequence[Progress]) -> Iterator[Callable[[], None]]:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn("[{task.fields[colour]}]{task.fields[where]}"),
        )
        with Bars(*columns, console=self.console) as bars:
            rows = [bars.add_task(one.name, total=100, where="", colour="dim") for one in documents]

            def tell() -> None:
                for row, one in zip(rows, documents, strict=True):
                    colour = COLOURS.get(one.status, "dim")
                    bars.update(row, completed=one.percent, where=_where(one), colour=colour)

            tell()
            yield tell

    def answer(self, answer: Answer) -> None:
        before, found, after = excerpt(answer.text, answer.found)
        place = f"{answer.document}, page {answer.page}, score {answer.score:.2f}"
        text = Text.assemble(before, (found, "bold black on yellow"), after)
        self.console.print()
        self.console.print(Text(answer.question, style="bold"))
        self.console.print(Padding(Text(place, style="cyan"), (0, 2)))
        self.console.print(Padding(text, (0, 2, 1, 2)))

    def story(self, story: Story) -> None:
        self.console.print(Text(story.title, style="bold"))
        self.console.print(Padding(Text("\n".join(story.lines)), (0, 2, 1, 2)))


def _facts(report: Report) -> dict[str, str]:
    """Where everything is, and whose code runs."""
    stack = {"stack": f"{report.stack}, {report.openai} for OpenAI"}
    return (
        stack | report.addresses | {week: f"{whose} layer" for week, whose in report.layers.items()}
    )


def _where(one: Progress) -> str:
    """A document's row in words. Steps and percents are the API's, not ours."""
    if one.status == "completed":
        pages = "1 page" if one.pages == 1 else f"{one.pages} pages"
        chunks = "1 chunk" if one.chunks == 1 else f"{one.chunks} chunks"
        return f"completed: {pages}, {chunks}"
    if one.status == "failed":
        return "failed"
    return f"{one.status}: {one.step}" if one.step else one.status
