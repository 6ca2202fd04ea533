"""Common misconceptions of each week, made from the wrong solutions that its graders are tried on.

A wrong solution is a patch in `autograder/weekNN_slug/wrong`. Its header says what the code does
(`story`), which requirements it breaks, and a part of the card that a student sees. The page adds the
sentence of the card and, for each function, the first step of its hint: a question that leads out.
`bootcamp generate` writes the pages, and `bootcamp generate --check` compares them.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bootcamp import paths
from bootcamp.course.hints import Ladder, ladders
from bootcamp.course.manifest import Item, load_manifest
from bootcamp.course.week_file import load_week_file
from bootcamp.course.weeks import Week, all_weeks

FOLDER = Path("teaching") / "misconceptions"
MAX_CAUSE = 400
"""Characters of a card's sentence. Longer texts are ignored."""
UNKNOWN = "…"
"""Stands for a part of a card that depends on the student's code."""
_FIELD = re.compile(r"^(\w+): (.*)$", re.MULTILINE)
_CHANGE = re.compile(r"^--- a/(?P<file>\S+)\n\+\+\+ .*\n@@ -(?P<line>\d+)", re.MULTILINE)
_TEST = re.compile(r"test_(\d+_\d+)")
_DEFINITION = r"^\s*(?:export )?(?:async )?(?:def|class|function|const|let)?\s*{name}\b\s*[(=:]"


@dataclass(frozen=True)
class Wrong:
    """One wrong solution: what it does, and where it does that."""

    name: str
    story: str
    card: str
    breaks: tuple[str, ...]
    item: str
    file: str
    line: int


def wrong_solutions(week: Week) -> Iterator[Wrong]:
    """The wrong solutions of a week, sorted by name. A patch without a story is left out."""
    for path in sorted((week.grader / "wrong").glob("*.patch")):
        text = path.read_text(encoding="utf-8")
        header, _, _ = text.partition("\n--- ")
        fields = dict(_FIELD.findall(header))
        change = _CHANGE.search(text)
        lost = re.findall(r"\d+\.\d+", fields.get("loses", ""))
        if not (fields.get("story") and lost):
            continue
        breaks = tuple(fields.get("breaks", "").replace(",", " ").split())
        items = [mark.rstrip("abcdefghijklmnopqrstuvwxyz") for mark in breaks]
        yield Wrong(
            path.stem,
            fields["story"],
            fields.get("card", ""),
            breaks,
            next((item for item in items if item in lost), lost[0]),
            change["file"] if change else "",
            _first_change(week, text, change) if change else 0,
        )


def page(week: Week) -> str:
    """The Markdown page of a week's misconceptions."""
    title = load_week_file(week).title
    by_item: dict[str, list[Wrong]] = defaultdict(list)
    for wrong in wrong_solutions(week):
        by_item[wrong.item].append(wrong)
    count = sum(map(len, by_item.values()))
    lines = [
        f"# Misconceptions of week {week.number}: {title}",
        "",
        "<!-- Made by `bootcamp generate`. To change it, change the patches or the hints. -->",
        "",
        f"The graders of this week are tried on these {count} wrong solutions. Each line says what a",
        "student wrote, what the card of the failure says, and which requirement it breaks. The question",
        "above a table is the first hint of `bootcamp hint`. Ask it before you explain anything.",
        f"`{UNKNOWN}` stands for a value that differs in each run. Where the sentence depends on what the",
        'code returned, the page has only words that the card always contains: a card with "words".',
        "",
    ]
    for item in load_manifest(week).items:
        if by_item[item.id]:
            lines += _item_section(week, item, by_item[item.id])
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """The pages of all weeks, by their paths. The student edition has none of them."""
    if not (paths.ROOT / FOLDER).is_dir():
        return {}
    return {
        paths.ROOT / FOLDER / f"week{week.number:02}.md": page(week)
        for week in all_weeks()
        if (week.grader / "wrong").is_dir()
    }


def _item_section(week: Week, item: Item, wrongs: Iterable[Wrong]) -> list[str]:
    rungs = ladders(week, item)
    by_ladder: dict[Ladder, list[Wrong]] = {ladder: [] for ladder in rungs}
    for wrong in wrongs:
        by_ladder[_ladder_of(week, wrong, rungs)].append(wrong)
    lines = [f"## {item.id} {item.title}", ""]
    for ladder, found in by_ladder.items():
        if not found:
            continue
        lines += [
            f"### {ladder.function} in `{ladder.file}`",
            "",
            _quoted(ladder.hints[0].text),
            "",
        ]
        lines += ["| what the student did | what the card says | breaks |", "|---|---|---|"]
        lines += [_row(week, wrong) for wrong in found]
        lines.append("")
    return lines


def _row(week: Week, wrong: Wrong) -> str:
    cells = (
        wrong.story,
        _cause(week, wrong.item, wrong.card),
        ", ".join(wrong.breaks) or wrong.item,
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _first_change(week: Week, text: str, change: re.Match[str]) -> int:
    """The number of the first line of the solution that the patch changes.

    A patch applies also where its lines have moved, so the place is where the lines are now: of several
    places, the nearest one to the number in the patch.
    """
    hunk = (
        text[change.end() :]
        .split("\n@@", maxsplit=1)[0]
        .split("\n--- ", maxsplit=1)[0]
        .split("\n")[1:]
    )
    old = [line[1:] for line in hunk if line[:1] in (" ", "-")]
    before = next((place for place, line in enumerate(hunk) if line[:1] in ("+", "-")), 0)
    path = week.solutions / change["file"]
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    places = [place for place in range(len(lines)) if lines[place : place + len(old)] == old]
    said = int(change["line"]) - 1
    return min(places, key=lambda place: abs(place - said), default=said) + before + 1


def _ladder_of(week: Week, wrong: Wrong, rungs: tuple[Ladder, ...]) -> Ladder:
    """The hints of the function that the patch changes: the nearest definition above the change."""
    path = week.solutions / wrong.file
    named = [ladder for ladder in rungs if ladder.function in wrong.breaks]  # a part of a page
    same_file = named or [ladder for ladder in rungs if ladder.file == wrong.file]
    if not same_file or not path.is_file():
        return (same_file or list(rungs))[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    above = {ladder: _defined_at(lines[: wrong.line], ladder.function) for ladder in same_file}
    return max(same_file, key=lambda ladder: above[ladder])


def _defined_at(lines: list[str], function: str) -> int:
    name = re.escape(function.rpartition(".")[2].removesuffix("()"))
    pattern = re.compile(_DEFINITION.format(name=name))
    return max((number for number, line in enumerate(lines) if pattern.search(line)), default=-1)


def _cause(week: Week, item: str, part: str) -> str:
    """The sentence of the item's graders that contains this part of a card, or the part itself.

    If several sentences contain it, nobody can say which of them the student sees.
    """
    pattern = re.compile(rf"(?<!\w){re.escape(part)}(?!\w)")
    causes, others = _sentences(week, item)
    for sentences in (causes, others):
        found = [one for one in sentences if pattern.search(one) and len(one) <= MAX_CAUSE]
        if part and len(found) == 1 and _is_sentence(found[0]):
            return found[0]
    return f'a card with "{part.strip()}"'


def _is_sentence(text: str) -> bool:
    """Whether a text can stand alone: not a name of code, and not the rest of a sentence."""
    return len(text.split()) > 2 and text[:1].isalnum() | (text[:1] in "`\"'(…")


@cache
def _sentences(week: Week, item: str) -> tuple[frozenset[str], frozenset[str]]:
    """The texts that graders of an item give as a cause, and all their other texts."""
    files = [*week.grader.rglob("*.py"), *(paths.AUTOGRADER / "sdk").rglob("*.py")]
    causes: set[str] = set()
    texts: set[str] = set()
    for path in files:
        test = _TEST.match(path.name)
        if test and test[1].replace("_", ".") != item:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts.update(_texts(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "cause":
                causes.update(_texts(node.value))
    return frozenset(causes), frozenset(texts - causes)


def _texts(node: ast.AST) -> Iterator[str]:
    """All texts in a piece of code but docstrings. A replacement field is `UNKNOWN`."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            parts = (one.value if isinstance(one, ast.Constant) else UNKNOWN for one in values)
            yield "".join(map(str, parts))
        case ast.Expr(value=ast.Constant()):
            return
        case _:
            for inner in ast.iter_child_nodes(node):
                yield from _texts(inner)
