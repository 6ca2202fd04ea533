"""Which solutions and cheats a run of the tests tries: a few, a part that rotates, or all.

`make test` tries a few. `make validate` tries all, and leaves out what an earlier call
tried on the same graders and solutions. `make validate PART=3/10` tries the third tenth, without
regard to earlier calls; CI takes another part each hour.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import pytest

from autograder.classroom.execution.fingerprint import of_graders
from autograder.validation import report
from bootcamp import paths
from bootcamp.course.weeks import Week, find_week

Identity = tuple[str, str, str]
"""A trial's week, kind and name, as on the page of the validation."""


def add_options(parser: pytest.Parser) -> None:
    """The options that `make validate` gives."""
    group = parser.getgroup("validation")
    group.addoption(
        "--all-validation",
        action="store_true",
        help="Every solution and cheat, not a few of each kind.",
    )
    group.addoption(
        "--leave-nothing-out",
        action="store_true",
        help="Run every test that is named. `.ci/again.py` sets it.",
    )
    group.addoption("--every-mutant", action="store_true", help="All mutants, not a third of them.")
    group.addoption(
        "--note-validation",
        type=Path,
        help="Keep results in this folder, and try only what it has no valid result of.",
    )
    group.addoption(
        "--validation-part", type=part, help="Of all, one part: 3/10 is the third tenth."
    )


def part(text: str) -> tuple[int, int]:
    """`"3/10"` as numbers."""
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r}: a part is written as 3/10")
    return int(number), int(count)


def in_part(name: str, chosen: tuple[int, int]) -> bool:
    """Whether a test belongs to a part. A new test does not move the others."""
    number, count = chosen
    return zlib.crc32(name.encode()) % count == number - 1


def identity(item: pytest.Item) -> Identity | None:
    """What a test tries, if it tries a solution or a cheat."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if cheat := params.get("cheat"):
        return find_week(cheat.week).name, "cheat", f"{cheat.family}: {cheat.name}"
    if mutant := params.get("mutant"):
        return mutant.week.name, report.MUTANT, mutant.name
    if variant := params.get("variant"):
        return variant.week.name, variant.path.parent.name, variant.path.stem
    if "item" in params and "week" in params:
        return params["week"].name, "undone", params["item"].id
    if "untouched" in params:
        return params["untouched"].name, "untouched", "exercises"
    if "week" in params and "reference_gets_full_marks" in item.name:
        return params["week"].name, "reference", "solutions"
    return None


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what this run need not try."""
    if config.getoption("--leave-nothing-out"):
        return
    trials = {one: found for one in items if (found := identity(one))}
    chosen, folder = config.getoption("--validation-part"), config.getoption("--note-validation")
    rare = {one for one in items if one.get_closest_marker("validation")}
    if chosen:
        left_out = {one for one in rare | set(trials) if not in_part(part_name(one), chosen)}
    elif folder and config.getoption("--all-validation"):
        left_out = {one for one, trial in trials.items() if holds_still(trial, folder)}
    else:
        left_out = set()
    if config.getoption("--all-validation"):  # what `make test` runs in any case
        others = set(items) - rare - set(trials)
        left_out |= {one for one in others if one.path.parent.name != "validation"}
    else:
        left_out |= rare
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [one for one in items if one not in left_out]


def part_name(item: pytest.Item) -> str:
    """What decides to which part a test belongs. The tests of a module on one week stay together."""
    callspec = getattr(item, "callspec", None)
    if identity(item) or callspec is None:
        return item.name
    return f"{item.path.name}[{callspec.id}]"


def holds_still(trial: Identity, folder: Path) -> bool:
    """Whether it was tried with success on the graders, solutions and cheats that are there now."""
    noted = report.found(*trial, folder)
    return noted is not None and noted.holds and noted.key == key(*trial)


def key(week: str, kind: str, name: str) -> str:
    """The hash of everything that decides how a trial ends: graders, solutions, the change itself."""
    one = find_week(week)
    if kind == report.MUTANT:
        return report.key(of_graders(one), name.encode(), *_solution(one))
    if kind == "cheat":
        changes = sorted((paths.ROOT / "tests" / "cheats").glob("*.py"))
    else:
        changes = sorted((one.grader / kind).glob(f"{name}.patch"))
    return report.key(of_graders(one), *(path.read_bytes() for path in changes))


def _solution(week: Week) -> list[bytes]:
    """What a mutant is made from."""
    return [path.read_bytes() for path in sorted(week.solutions.rglob("*.py"))]
