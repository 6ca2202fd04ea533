"""Cuts the bodies out of a solution: the marks, and what stands in their place.

A block in a solution

    # BEGIN SOLUTION 5.2
    # ? a) Double the longest wait with each attempt, from `base` to `cap`.
    # ? b) Pick the wait at random between zero and the longest wait.
    return random.uniform(0, min(cap, base * 2**attempt))
    # END SOLUTION

becomes, in the exercise,

    # TODO 5.2:
    #   a) Double the longest wait with each attempt, from `base` to `cap`.
    #   b) Pick the wait at random between zero and the longest wait.
    raise NotImplementedError("5.2")

All other lines stay byte for byte. Each requirement has a letter: the first one here is 5.2a. A line
without a letter continues the requirement above it. The letters of an item go on in its next block.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import NoReturn

from bootcamp.course.weeks import WEEK_FOLDER
from bootcamp.errors import BootcampError

WIDTH = 100
"""Columns of an exercise: a longer TODO is wrapped."""
SENTENCE_ENDS = (".", ":", "?", "!")
"""How a line ends that the next one does not go on."""
REQUIREMENT = re.compile(r"(?P<letter>[a-z])\) (?P<text>.*)")
"""The first line of a requirement with a letter."""


@dataclass(frozen=True)
class Style:
    """How a kind of file writes a comment, and which line says "not done" in it, if any."""

    opening: str
    closing: str = ""
    stub: str = ""


@dataclass(frozen=True)
class Limits:
    """How much may be cut out of a file. Both ends of a range count."""

    lines: tuple[int, int] = (1, 20)
    """Lines of code in a block: one idea."""
    per_file: tuple[int, int] = (1, 3)
    """Blocks in a file that has any."""


ANY = Limits()
"""For files whose week has been checked already."""
STYLES = {
    ".py": Style("#", stub='raise NotImplementedError("{item}")'),
    ".js": Style("//", stub='throw new Error("{item} is not done yet");'),
    ".css": Style("/*", "*/"),
    ".html": Style("<!--", "-->"),
    ".sql": Style("--"),
}
"""By file ending. A file of any other kind holds no blocks and is given as it is."""


@dataclass(frozen=True)
class Block:
    """One cut-out: the item, the line number of its opening mark, what to do, and how it is done.

    `code` is the reference's lines with their indentation; `code_line` is the number of the first.
    """

    item: str
    line: int
    indent: str
    tasks: tuple[str, ...]
    code: tuple[str, ...]

    @property
    def code_line(self) -> int:
        return self.line + 1 + len(self.tasks)

    @property
    def requirements(self) -> dict[str, str]:
        """Each requirement's text by its id, such as `5.2a`. Empty if the lines have no letters."""
        found = (REQUIREMENT.fullmatch(task) for task in _sentences(self.tasks))
        return {f"{self.item}{match['letter']}": match["text"] for match in found if match}


def scaffold(source: str, path: PurePath, limits: Limits = ANY) -> str:
    """Make the exercise of one solution file: every block replaced by its TODO and a stub.

    Raises:
        BootcampError: a mark is wrong, or a block breaks the limits; the message names file and
            line.
    """
    style = STYLES.get(path.suffix)
    if style is None:
        return source
    lines: list[str] = []
    found: list[Block] = []

    def cut(block: Block) -> None:
        found.append(block)
        lines.extend(_todo(block, style))

    _read(source, path, keep=lines.append, cut=cut)
    _check_limits(found, path, limits)
    text = "".join(lines)
    if path.suffix == ".py":
        _must_import(text, path)
    return text


def blocks(source: str, path: PurePath) -> tuple[Block, ...]:
    """Find the blocks of one solution file, in order.

    Raises:
        BootcampError: a mark is wrong; the message names file and line.
    """
    found: list[Block] = []
    if path.suffix in STYLES:
        _read(source, path, keep=lambda line: None, cut=found.append)
    return tuple(found)


def _read(
    source: str, path: PurePath, keep: Callable[[str], None], cut: Callable[[Block], None]
) -> None:
    """Walk the lines once: `keep` gets each line outside a block, `cut` each whole block."""
    marks = _Marks(STYLES[path.suffix])
    begin: re.Match[str] | None = None
    start = 0
    body: list[str] = []
    for number, line in enumerate(source.splitlines(keepends=True), start=1):
        opening, closing = marks.begin.fullmatch(line), marks.end.fullmatch(line)
        if "BEGIN SOLUTION" in line and not opening:
            _fail(path, number, f"this opening mark is not `{marks.example}`")
        if "END SOLUTION" in line and not closing:
            _fail(path, number, "there is something beside END SOLUTION on this line")
        if opening and begin:
            _fail(path, number, f"a block opens inside the block of line {start}")
        if closing and not begin:
            _fail(path, number, "END SOLUTION without a BEGIN SOLUTION before it")
        if opening:
            begin, start, body = opening, number, []
            _check_item(opening["item"], path, number)
        elif closing and begin:
            cut(_block(begin, start, body, marks, path))
            begin = None
        elif begin:
            body.append(line)
        elif marks.task.fullmatch(line):
            _fail(path, number, "a `?` comment stands outside a block")
        else:
            keep(line)
    if begin:
        _fail(path, start, "this block is never closed by END SOLUTION")


class _Marks:
    """The marks of one kind of file, as patterns for a whole line."""

    def __init__(self, style: Style) -> None:
        opening = re.escape(style.opening)
        closing = (rf"[ ]*{re.escape(style.closing)}" if style.closing else "") + r"[ ]*\n?"
        self.begin = re.compile(
            rf"(?P<indent>[ \t]*){opening} BEGIN SOLUTION (?P<item>\d+\.\d+){closing}"
        )
        self.end = re.compile(rf"[ \t]*{opening} END SOLUTION{closing}")
        # `ruff format` writes `# ?` for `#?`
        self.task = re.compile(rf"[ \t]*{opening}[ ]?\?[ ]?(?P<text>.*?){closing}")
        self.example = f"{style.opening} BEGIN SOLUTION 5.2 {style.closing}".strip()


def _block(
    begin: re.Match[str], start: int, body: list[str], marks: _Marks, path: PurePath
) -> Block:
    tasks: list[str] = []
    for line in body:
        match = marks.task.fullmatch(line)
        if not match:
            break
        tasks.append(match["text"].strip())
    code = [line.rstrip("\n") for line in body[len(tasks) :]]
    for number, line in enumerate(code, start=start + 1 + len(tasks)):
        if marks.task.fullmatch(line):
            _fail(path, number, "the `?` lines stand together at the top of a block")
    if not "".join(tasks):
        _fail(path, start, "this block has no `?` line that says what must hold")
    if not "".join(code).strip():
        _fail(path, start, "this block holds no code")
    _check_letters(tasks, path, start)
    return Block(begin["item"], start, begin["indent"], tuple(tasks), tuple(code))


def _check_letters(tasks: list[str], path: PurePath, start: int) -> None:
    """Refuse letters that do not follow one another, and a block in which only some lines have one."""
    letters = [match["letter"] for match in map(REQUIREMENT.fullmatch, tasks) if match]
    if letters and not REQUIREMENT.fullmatch(tasks[0]):
        _fail(path, start + 1, "the first `?` line of this block has no letter, others have one")
    wanted = [chr(ord(letters[0]) + place) for place in range(len(letters))] if letters else []
    if letters != wanted:
        _fail(path, start, f"the letters of this block are {letters}, and must be {wanted}")


def _check_limits(found: list[Block], path: PurePath, limits: Limits) -> None:
    least, most = limits.lines
    for block in found:
        if not least <= len(block.code) <= most:
            count = len(block.code)
            what = f"this block cuts out {count} lines; {least} to {most} are allowed"
            _fail(path, block.line, what)
    least, most = limits.per_file
    if found and not least <= len(found) <= most:
        _fail(path, 1, f"{len(found)} blocks in one file; {least} to {most} are allowed")


def _todo(block: Block, style: Style) -> list[str]:
    """Write the lines that stand in the exercise instead of the block."""
    head = f"{block.indent}{style.opening} "
    tail = f" {style.closing}" if style.closing else ""
    lettered = bool(block.requirements)
    rows: list[str] = [f"{head}TODO {block.item}:"] if lettered else []
    for task in _sentences(block.tasks):
        start = f"{head}  " if rows else f"{head}TODO {block.item}: "
        rows += textwrap.wrap(
            task,
            WIDTH - len(tail),
            initial_indent=start,
            subsequent_indent=f"{head}     " if lettered else f"{head}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    stub = [block.indent + style.stub.format(item=block.item)] if style.stub else []
    return [f"{row}\n" for row in [*(row + tail for row in rows), *stub]]


def _sentences(tasks: Iterable[str]) -> list[str]:
    """The requirements, one string each. A line without a letter continues a lettered requirement; where
    no line has a letter, it continues a line that ends in mid-sentence. All are wrapped again later,
    because the lines of the exercise have a longer prefix.
    """
    joined: list[str] = []
    for task in tasks:
        lettered = bool(joined and REQUIREMENT.fullmatch(joined[-1]))
        new = bool(REQUIREMENT.fullmatch(task))
        if joined and not new and (lettered or not joined[-1].endswith(SENTENCE_ENDS)):
            joined[-1] += f" {task}"
        else:
            joined.append(task)
    return joined


def _check_item(item: str, path: PurePath, line: int) -> None:
    """Refuse an item whose number does not begin with the week of the file's folder."""
    folders = (WEEK_FOLDER.fullmatch(part) for part in path.parts)
    week = next((int(match[1]) for match in folders if match), None)
    if week is not None and int(item.partition(".")[0]) != week:
        _fail(path, line, f"item {item} does not belong to week {week}")


def _must_import(text: str, path: PurePath) -> None:
    """Refuse a scaffold that does not parse, or whose stub raises outside a function."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        _fail(path, 1, f"line {error.lineno} of the exercise is no Python: {error.msg}")
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node):
            _fail(path, 1, f"line {node.lineno} of the exercise raises when it is imported")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def _fail(path: PurePath, line: int, what: str) -> NoReturn:
    raise BootcampError(
        f"{path}:{line}: {what}.",
        "The marks are described at the top of bootcamp/authoring/scaffold.py.",
    )
