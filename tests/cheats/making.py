"""What a cheat is, and how its submission is made: the reference with one piece of it put wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import find_week

FAMILIES = (
    "leaving",
    "lying",
    "patching",
    "reading",
    "shipping",
    "faking",
    "harming",
)
LOOT = "loot: []"
"""What the report of a cheat that looked for something says: it came back with nothing."""


@dataclass(frozen=True)
class Cheat:
    """One hostile submission, and what must come of it.

    Args:
        name: what it does, in a few words, as a file name.
        loses: the items that it attacks. None of them may earn a point.
        story: what it tries, and what it would gain or harm where nothing held it.
        says: words that the reports of its lost items must contain.
        files: what is handed in, by path from the week's folder.
        keeps: items that it leaves alone: they must pass.
        left_out: files that the intake must name as left out.
        links: links that are handed in, by path, and what they point to.
    """

    name: str
    loses: tuple[str, ...]
    story: str
    says: tuple[str, ...]
    files: Mapping[str, str] = field(repr=False)
    keeps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    family: str = ""

    @property
    def week(self) -> str:
        """Its number, from the items."""
        return self.loses[0].partition(".")[0]

    def write(self, folder: Path) -> None:
        """Hand it in: put its files and links into a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        for name, target in self.links.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(target)


def of_family(family: str, cheats: Iterable[Cheat]) -> tuple[Cheat, ...]:
    """The cheats with their family's name."""
    return tuple(replace(cheat, family=family) for cheat in cheats)


def solved(week: str) -> dict[str, str]:
    """The reference's homework files."""
    solutions = find_week(week).solutions
    return {
        str(file): (solutions / file).read_text(encoding="utf-8")
        for file in load_manifest(find_week(week)).files
    }


def instead(item: str, *bodies: str | None, also: str = "") -> dict[str, str]:
    """The reference's homework with these bodies in place of an item's pieces, in their order.

    Pieces for which there is no body, or None, stay the reference's. `also` is put at the end of the
    item's file: it runs when the file is imported.
    """
    waiting = list(bodies)
    files = solved(item.partition(".")[0])
    names = load_manifest(find_week(item.partition(".")[0])).item(item).files
    for name in names:
        lines: list[str] = []
        inside = False
        for line in files[name].splitlines():
            if line.strip() == f"# BEGIN SOLUTION {item}" and waiting:
                body = waiting.pop(0)
                if inside := body is not None:
                    indent = line[: len(line) - len(line.lstrip())]
                    lines += textwrap.indent(textwrap.dedent(body or ""), indent).splitlines()
            elif line.strip() == "# END SOLUTION" and inside:
                inside = False
            elif not inside:
                lines.append(line)
        files[name] = "\n".join(lines) + "\n"
    assert not waiting, f"{item} has fewer pieces"
    files[names[-1]] += textwrap.dedent(also)
    return files


def aimed(text: str, marks: Mapping[str, object]) -> str:
    """The text of a cheat with what it aims at in place of its marks (`BAIT_PORT`, …)."""
    for mark, value in marks.items():
        text = text.replace(mark, str(value))
    return text
