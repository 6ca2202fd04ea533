"""Reads the course's Markdown pages: their code blocks, headings and links.

A Python block names the file it is taken from, and a part of it if not the whole:

    ```python file=lessons/week01_first_task/code/three_waits.py#in_threads

The path starts at the root of the repository; the part is a function, a class or a constant.
`python -m bootcamp.authoring.pages` updates such blocks from their files; a test fails if one differs.
With `--run` it also runs the lessons' programs, and writes down what they print.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bootcamp import paths
from bootcamp.authoring.transcripts import run_program, steps
from bootcamp.errors import UsageError

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_FILE = re.compile(r"\bfile=(?P<path>[^\s#]+)(?:#(?P<part>\w+))?")
_SOLUTION_MARK = "# BEGIN SOLUTION"


@dataclass(frozen=True)
class Block:
    """One fenced code block of a page. `line` is that of its opening fence, counted from 1."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def language(self) -> str:
        """The first word after the fence: `python`, `console`, `mermaid`, …"""
        return self.info.partition(" ")[0]

    @property
    def place(self) -> str:
        """Where it stands, for people and for test ids: `lessons/README.md:12`."""
        return f"{self.page.relative_to(paths.ROOT).as_posix()}:{self.line}"

    def included(self) -> str | None:
        """What the block must say: the text of the file, or the part of it, that it names, if any.

        Raises:
            UsageError: there is no such file or part, or it would show a homework's answer.
        """
        match = _FILE.search(self.info)
        if match is None:
            return None
        path = paths.ROOT / match["path"]
        if not path.is_file():
            raise UsageError(f"{self.place} includes {match['path']}, which does not exist.")
        source = path.read_text(encoding="utf-8")
        text = part_of(source, match["part"]) if match["part"] else source
        if text is None:
            raise UsageError(f"{self.place} includes {match['part']}, not found in {path.name}.")
        if _SOLUTION_MARK in text:
            raise UsageError(f"{self.place} would show the answer of a homework item.")
        return text


def part_of(source: str, name: str) -> str | None:
    """The lines of the top-level function, class or constant called `name`, or None.

    Decorators and the comments right above belong to it.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        if name not in _names(node):
            continue
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(one.lineno for one in decorators)]) - 1
        while first and lines[first - 1].startswith("#"):
            first -= 1
        return "".join(lines[first : node.end_lineno])
    return None


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


@cache
def _parsed(text: str) -> list[Token]:
    """The tokens of a page. They are read again and again, and parsing takes 20 ms a page."""
    return _MARKDOWN.parse(text)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """The page that stands in `path`."""
        return cls(path, path.read_text(encoding="utf-8"))

    def __str__(self) -> str:
        return self.path.relative_to(paths.ROOT).as_posix()

    @property
    def _tokens(self) -> list[Token]:
        return _parsed(self.text)

    def blocks(self, language: str | None = None) -> list[Block]:
        """The fenced blocks, of one language or all."""
        found = (
            Block(self.path, token.map[0] + 1, token.info.strip(), token.content)
            for token in self._tokens
            if token.type == "fence" and token.map
        )
        return [block for block in found if language in (None, block.language)]

    def headings(self, level: int) -> list[str]:
        """The texts of the headings of this level, in order."""
        tokens = self._tokens
        return [
            tokens[number + 1].content
            for number, token in enumerate(tokens)
            if token.type == "heading_open" and token.tag == f"h{level}"
        ]

    def anchors(self) -> set[str]:
        """The anchors that GitHub gives the headings."""
        headings = [text for level in range(1, 7) for text in self.headings(level)]
        return {anchor(text) for text in headings}

    def links(self) -> list[str]:
        """The targets of all links and pictures."""
        return [
            str(child.attrs["href" if child.type == "link_open" else "src"])
            for token in self._tokens
            for child in token.children or []
            if child.type in ("link_open", "image")
        ]

    def tables(self) -> list[list[list[str]]]:
        """The tables: rows of cells, the heading first, each cell as it is written."""
        found: list[list[list[str]]] = []
        tokens = self._tokens
        for number, token in enumerate(tokens):
            if token.type == "table_open":
                found.append([])
            elif token.type == "tr_open":
                found[-1].append([])
            elif token.type in ("th_open", "td_open"):
                found[-1][-1].append(tokens[number + 1].content)
        return found

    def synced(self, run: Callable[[str], str] | None = None) -> str:
        """The page's text with every included block as its file has it.

        Args:
            run: gives what a program prints; None leaves the console blocks as they are.
        """
        lines = self.text.splitlines(keepends=True)
        for block in reversed(self.blocks()):
            text = block.included()
            if block.language == "console" and run:
                text = "".join(str(step.rerun(run)) for step in steps(block.text))
            if text is not None:
                end = block.line + len(block.text.splitlines())
                lines[block.line : end] = [text]
        return "".join(lines)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def course_pages() -> Iterator[Page]:
    """Every Markdown page of the repository that people read, in a stable order."""
    named = ("deploy", "docs", "teaching")
    folders = (paths.LESSONS, paths.EXERCISES, *(paths.ROOT / name for name in named))
    yield from (Page.read(path) for path in sorted(paths.ROOT.glob("*.md")))
    for folder in folders:
        yield from (Page.read(path) for path in sorted(folder.rglob("*.md")))


def main() -> None:
    """Update every included block, and print which pages changed."""
    parser = argparse.ArgumentParser(
        prog="python -m bootcamp.authoring.pages", description=main.__doc__
    )
    parser.add_argument("--run", action="store_true", help="run the lessons' programs too")
    run = run_program if parser.parse_args().run else None
    for page in course_pages():
        text = page.synced(run)
        if text != page.text:
            page.path.write_text(text, encoding="utf-8")
            print(f"updated {page}")


if __name__ == "__main__":
    main()
