"""A class as it comes: good, partial, broken, late, missing and hostile submissions, and what each
must be given.

    python -m tests.classroom.mixed DIR --week 5             make DIR/submissions, roster, policy
    python -m tests.classroom.mixed DIR --compare GRADES     compare what was given with what must be
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from autograder.classroom.execution.grading import with_dependents
from autograder.validation.variants import Variant, build, load_variants
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, find_week
from tests.cheats.catalogue import CHEATS
from tests.cheats.making import Cheat, aimed

POLICY = """timezone = "UTC"
due = 2026-11-27T23:59:00

[late]
grace_minutes = 15
percent_per_day = 10
max_percent = 50
closes_after_days = 7
"""
IN_TIME = "2026-11-27T20:00"
LATE = (("2026-11-28T09:30", 10.0), ("2026-11-30T09:30", 30.0), ("2026-12-06T12:00", 100.0))
"""When they hand in, and the percent of their points that this costs."""
EXPECTED = "expected.json"
BOMB_BYTES = 300 * 1024**2
KINDS = {
    "good": 5,
    "unlike": 2,
    "zipped": 2,
    "partial": 8,
    "scaffold": 1,
    "broken": 2,
    "late": 3,
    "missing": 2,
    "hostile": 3,
    "archive": 2,
}
"""How many of each kind: thirty in all."""


T = TypeVar("T", Variant, Cheat)


@dataclass(frozen=True)
class Expected:
    """What a student must be given.

    Args:
        lost: items that must not pass; all others must, unless `others` are left open.
        percent: what lateness takes.
    """

    status: str = "graded"
    lost: tuple[str, ...] = ()
    others: bool = True
    percent: float = 0.0


class MixedClass:
    """Makes the class in a folder.

    Args:
        kinds: how many of each kind.
    """

    def __init__(self, folder: Path, week: Week, kinds: Mapping[str, int] = KINDS) -> None:
        self.folder = folder
        self.submissions = folder / "submissions"
        self.roster, self.policy = folder / "roster.csv", folder / "policy.toml"
        self._week = week
        self._kinds = kinds
        self._items = tuple(item.id for item in load_manifest(week).items)
        variants = load_variants(week)
        self._wrong = spread(one for one in variants if not one.correct)
        self._unlike = itertools.cycle(one for one in variants if one.correct)
        mine = [one for one in CHEATS if one.week == str(week.number)]
        harm_first = sorted(mine, key=lambda one: one.family != "harming")
        self._cheats = spread(harm_first)

    def make(self) -> dict[str, Expected]:
        """Hand everything in, write roster and policy, and say what is expected of each student."""
        self.submissions.mkdir(parents=True)
        rows, expected = ["id,name,email,section,submitted"], {}
        ways: dict[str, Callable[[Path, int], Expected]] = {
            "good": self._good,
            "unlike": self._unlike_ours,
            "zipped": self._zipped,
            "partial": self._partial,
            "scaffold": self._scaffold,
            "broken": self._broken,
            "late": self._late,
            "missing": self._missing,
            "hostile": self._hostile,
            "archive": self._archive,
        }
        for kind, count in self._kinds.items():
            for number in range(count):
                student = f"{kind}{number + 1}"
                expected[student] = ways[kind](self.submissions / student, number)
                name = f"{kind.title()} {number + 1}"
                moment = LATE[number % len(LATE)][0] if kind == "late" else IN_TIME
                rows.append(f"{student},{name},{student}@example.org,A,{moment}")
        self.roster.write_text("\n".join(rows) + "\n")
        self.policy.write_text(POLICY)
        words = {student: asdict(one) for student, one in expected.items()}
        (self.folder / EXPECTED).write_text(json.dumps(words, indent=1))
        return expected

    def _good(self, path: Path, number: int) -> Expected:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self._week.solutions, path, ignore=ignored)
        return Expected()

    def _unlike_ours(self, path: Path, number: int) -> Expected:
        build(next(self._unlike), path)
        return Expected()

    def _zipped(self, path: Path, number: int) -> Expected:
        """As a learning platform packs it: inside a folder of any name."""
        with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(self._week.solutions.rglob("*.py")):
                archive.write(file, f"my homework/{file.relative_to(self._week.solutions)}")
        return Expected()

    def _partial(self, path: Path, number: int) -> Expected:
        variant = next(self._wrong)
        build(variant, path)
        lost = with_dependents(load_manifest(self._week), set(variant.loses))  # the rest is skipped
        return Expected(lost=lost)

    def _scaffold(self, path: Path, number: int) -> Expected:
        shutil.copytree(self._week.exercises, path, ignore=shutil.ignore_patterns("__pycache__"))
        return Expected(lost=self._items)

    def _broken(self, path: Path, number: int) -> Expected:
        """One file stops in the middle of a line, or is not there."""
        self._good(path, number)
        name = load_manifest(self._week).files[0]
        if number % 2:
            (path / name).unlink()
        else:
            (path / name).write_text("def half(\n")
        first = {item.id for item in load_manifest(self._week).items if str(name) in item.files}
        return Expected(lost=tuple(sorted(first)), others=False)

    def _late(self, path: Path, number: int) -> Expected:
        self._good(path, number)
        return Expected(percent=LATE[number % len(LATE)][1])

    def _missing(self, path: Path, number: int) -> Expected:
        return Expected(status="missing", lost=self._items)

    def _hostile(self, path: Path, number: int) -> Expected:
        cheat: Cheat = next(self._cheats)
        path.mkdir()
        cheat.write(path)
        for file in path.rglob("*.py"):
            if not file.is_symlink():
                file.write_text(aimed(file.read_text(), {"BAIT_PORT": 9}))
        return Expected(lost=cheat.loses, others=False)

    def _archive(self, path: Path, number: int) -> Expected:
        """A name that leads out of the folder, or more than any homework unpacked."""
        with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            if number % 2:
                with archive.open("pipeline/bomb.py", "w") as bomb:
                    for _ in range(BOMB_BYTES // 1024**2):
                        bomb.write(bytes(1024**2))
            else:
                archive.writestr("../../escaped.py", "print('out')")
        return Expected(status="refused", lost=self._items)


def spread(everything: Iterable[T]) -> Iterator[T]:
    """For ever: the first of each item, then the second of each, and so on."""
    by_item: dict[str, list[T]] = {}
    for one in everything:
        by_item.setdefault(one.loses[0], []).append(one)
    rounds = itertools.zip_longest(*by_item.values())
    return itertools.cycle([one for turn in rounds for one in turn if one is not None])


def differences(expected: Mapping[str, Mapping[str, Any]], summary: Mapping[str, Any]) -> list[str]:
    """Where what was given is not what must be, in words.

    Args:
        expected: `Expected` by student, as `expected.json` has it.
        summary: what `bootcamp grade --json` prints.
    """
    given = {one["id"]: one for one in summary["students"]}
    found = [f"nobody graded {student}" for student in expected.keys() - given.keys()]
    for student, must in expected.items():
        if one := given.get(student):
            found += [f"{student}: {problem}" for problem in _problems(must, one)]
    return found


def _problems(must: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[str]:
    if one["status"] != must["status"]:
        yield f"{one['status']}, not {must['status']}"
        return
    for item, outcome in one["items"].items():
        lost = item in must["lost"]
        if lost == (outcome == "passed") and (lost or must["others"]):
            yield f"{item} {outcome}"
    if one["penalty_percent"] != must["percent"]:
        yield f"{one['penalty_percent']} % for lateness, not {must['percent']} %"
    blank = {"missing": None, "refused": 0}
    if must["status"] in blank and one["score"] != blank[must["status"]]:
        yield f"{one['score']} points"


def main() -> int:
    """Make a class, or compare its grades. 1 if they differ from what must be."""
    parser = argparse.ArgumentParser(description="A class as it comes.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--week", default="5")
    parser.add_argument("--compare", type=Path, metavar="GRADES", help="the folder of --out")
    arguments = parser.parse_args()
    if arguments.compare is None:
        MixedClass(arguments.folder, find_week(arguments.week)).make()
        return 0
    expected = json.loads((arguments.folder / EXPECTED).read_text())
    summary = json.loads((arguments.compare / "grades.json").read_text())
    found = differences(expected, summary)
    print("\n".join(found) or f"All {len(expected)} are as they must be.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
