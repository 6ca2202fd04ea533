"""Small mechanical changes inside the blanks of a solution: a guard against graders that lose their teeth.

A mutant differs from the reference in one place: a comparison, a number, a condition, an argument, or a
statement that is gone. Its item must lose its points. A mutant that changes nothing that a student promises
is listed with its reason in the week's `equivalents.toml`:

    [[equivalent]]
    item = "5.2"
    was = "return random.uniform(0, longest)"
    becomes = "return random.uniform(+0, longest)"
    reason = "the same number"

mutmut and cosmic-ray run a suite of tests on a package by themselves. Here each change is one trial of the
graders on a running stack, so only the list of changes is needed, and only inside the blanks.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootcamp.authoring.scaffold import Block, blocks
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week

FILE = "equivalents.toml"
OPPOSITES: dict[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Pow: "*",
    ast.FloorDiv: "*",
    ast.Div: "*",
    ast.Mod: "+",
    ast.And: "or",
    ast.Or: "and",
}
"""What stands in place of an operator."""
SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Break, ast.Continue)
"""Statements that can be left out by themselves."""


@dataclass(frozen=True)
class Edit:
    """A piece of a source text, by offsets of characters, and what takes its place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """A changed solution file of one item."""

    week: Week
    item: str
    file: str
    line: int
    was: str
    """The lines that differ, stripped, as one text."""
    becomes: str
    source: str
    """The whole file."""

    def __str__(self) -> str:
        return f"week{self.week.number:02}-mutant-{self.name}"

    @property
    def name(self) -> str:
        """Another one for each mutant of a week."""
        return f"{self.item} {Path(self.file).name}:{self.line} {self.becomes}"


def mutants(week: Week) -> Iterator[Mutant]:
    """Every mutant of a week's Python files that must be noticed, in the order of the manifest."""
    known = {(one["item"], one["was"], one["becomes"]) for one in equivalents(week)}
    for one in all_mutants(week):
        if (one.item, one.was, one.becomes) not in known:
            yield one


def all_mutants(week: Week) -> Iterator[Mutant]:
    """The same with those that change nothing that was promised."""
    for item in load_manifest(week).items:
        for file in item.files:
            yield from _of_file(week, item.id, file)


def equivalents(week: Week) -> list[dict[str, str]]:
    """The mutants that change nothing that was promised, each with its reason."""
    path = week.grader / FILE
    if not path.is_file():
        return []
    found: list[dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
    return found


def _of_file(week: Week, item: str, file: str) -> Iterator[Mutant]:
    path = week.solutions / file
    if path.suffix != ".py":
        return
    text = path.read_text(encoding="utf-8")
    seen: set[str] = set()
    for block in blocks(text, path):
        if block.item != item:
            continue
        for edit in edits(text, block):
            source = text[: edit.start] + edit.text + text[edit.end :]
            if source not in seen and _parses(source):
                seen.add(source)
                yield _mutant(week, item, file, text, edit)


def _mutant(week: Week, item: str, file: str, text: str, edit: Edit) -> Mutant:
    first = text.rfind("\n", 0, edit.start) + 1
    last = text.find("\n", edit.end)
    source = text[: edit.start] + edit.text + text[edit.end :]
    after = source[first : last + len(source) - len(text)]
    line = text.count("\n", 0, edit.start) + 1
    return Mutant(week, item, file, line, _one(text[first:last]), _one(after), source)


def _one(text: str) -> str:
    return " ".join(text.split())


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def edits(text: str, block: Block) -> Iterator[Edit]:
    """All changes inside a block."""
    place = _Places(text)
    first, last = block.code_line, block.code_line + len(block.code) - 1
    for node in ast.walk(ast.parse(text)):
        start, end = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if first <= start and end <= last:
            yield from _changes(node, place)


def _changes(node: ast.AST, place: _Places) -> Iterator[Edit]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield from place.between(left, right, operator)
        case ast.BinOp(left=left, op=operator, right=right):
            yield from place.between(left, right, operator)
        case ast.BoolOp(op=operator, values=[first, second, *_]):
            yield from place.between(first, second, operator)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield place.instead(node, place.text(operand))
        case ast.Constant(value=bool(value)):
            yield place.instead(node, str(not value))
        case ast.Constant(value=int(value)):
            yield place.instead(node, str(value + 1))
        case ast.If(test=test) | ast.IfExp(test=test):
            yield place.instead(test, f"not ({place.text(test)})")
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield place.instead(value, "None")
    if isinstance(node, SIMPLE) and not isinstance(getattr(node, "value", None), ast.Yield):
        yield place.instead(node, "pass")
    if isinstance(node, ast.Call):
        yield from _of_call(node, place)


def _of_call(node: ast.Call, place: _Places) -> Iterator[Edit]:
    """The first two arguments swapped, and each keyword left out."""
    match node:
        case ast.Call(func=ast.Name(id="min" | "max")):
            return  # in any order
        case ast.Call(args=[first, second, *_]) if not isinstance(first, ast.Starred):
            yield place.instead(first, place.text(second), until=second, then=place.text(first))
    for keyword in node.keywords:
        if keyword.arg:
            yield place.without(keyword)


class _Places:
    """Offsets in a source text. Python's columns count bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends."""
        begin = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return begin, self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self._text[start:end]

    def instead(
        self, node: ast.AST, text: str, until: ast.AST | None = None, then: str = ""
    ) -> Edit:
        """`text` in place of a node; with `until`, `then` in place of that other node, too."""
        start, end = self.span(node)
        if until is None:
            return Edit(start, end, text)
        second, last = self.span(until)
        return Edit(start, last, f"{text}{self._text[end:second]}{then}")

    def between(self, left: ast.AST, right: ast.AST, operator: ast.AST) -> Iterator[Edit]:
        """Another operator between two operands."""
        if new := OPPOSITES.get(type(operator)):
            start, end = self.span(left)[1], self.span(right)[0]
            gap = self._text[start:end]
            opening, closing = gap.count(")"), gap.count("(")  # operands may stand in parentheses
            yield Edit(start, end, f"{')' * opening} {new} {'(' * closing}")

    def without(self, node: ast.AST) -> Edit:
        """Nothing in place of an argument, and of the comma before or behind it."""
        start, end = self.span(node)
        before = self._text[:start].rstrip()
        if before.endswith(","):
            return Edit(len(before) - 1, end, "")
        behind = self._text[end:].lstrip()
        if behind.startswith(","):
            return Edit(start, len(self._text) - len(behind) + 1, "")
        return Edit(start, end, "")
