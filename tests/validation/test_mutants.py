"""Each small mechanical change inside a blank costs its item, or is listed with a reason.

    pytest tests/validation/test_mutants.py --all-validation --every-mutant -k week03 -n 2

`make validate` tries a third of them: always the same, chosen by their names.
"""

from __future__ import annotations

import ast
import shutil
import zlib
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from autograder.run.runner import run_week
from autograder.validation import report
from autograder.validation.mutants import Mutant, all_mutants, edits, equivalents, mutants
from bootcamp.authoring.scaffold import blocks
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.stack import Stack
from tests.validation import selection

SHARE = 3
LOST = (Outcome.FAILED, Outcome.NOT_GRADABLE, Outcome.SKIPPED)
SOURCE = """
def wait(attempt, base):
    # BEGIN SOLUTION 5.2
    # ? a) Wait.
    if attempt <= 0 and (base) + 1:
        raise ValueError
    return draw(base, 2, top=attempt)
    # END SOLUTION
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every mutant, or a third."""
    if "mutant" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-mutant")
        found = [one for week in graded_weeks() for one in mutants(week)]
        chosen = [one for one in found if every or zlib.crc32(one.name.encode()) % SHARE == 0]
        metafunc.parametrize("mutant", chosen, ids=str)


@pytest.mark.validation
def test_a_mutant_is_noticed(
    mutant: Mutant, stack: Stack, host: Host, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(mutant.week.solutions, tmp_path, dirs_exist_ok=True)
    (tmp_path / mutant.file).write_text(mutant.source, encoding="utf-8")
    result = run_week(mutant.week, tmp_path, items=[mutant.item], stack=stack, host=host)
    (one,) = (one for one in result.items if one.item.id == mutant.item)
    noticed = one.outcome in LOST  # skipped: an item that it needs has noticed
    if folder := request.config.getoption("--note-validation"):
        name = (mutant.week.name, report.MUTANT, mutant.name)
        seen = {mutant.item: report.LOST if noticed else report.mark(one.outcome)}
        trial = report.Trial(*name, {mutant.item: report.LOST}, seen, selection.key(*name))
        report.note(trial, folder)
    assert noticed, f"{mutant.file} line {mutant.line}: {mutant.was}  =>  {mutant.becomes}"


@pytest.mark.parametrize("week", graded_weeks(), ids=str)
def test_what_is_listed_as_equivalent_exists(week: Week) -> None:
    listed = {(one["item"], one["was"], one["becomes"]) for one in equivalents(week)}
    assert listed <= {(one.item, one.was, one.becomes) for one in all_mutants(week)}
    assert all(one["reason"] for one in equivalents(week))


def test_what_is_changed() -> None:
    (block,) = blocks(SOURCE, Path("wait.py"))
    found = set()
    for edit in edits(SOURCE, block):
        changed = SOURCE[: edit.start] + edit.text + SOURCE[edit.end :]
        ast.parse(changed)
        pairs = zip(SOURCE.splitlines(), changed.splitlines(), strict=True)
        found |= {after.strip() for before, after in pairs if before != after}
    assert found == {
        "if attempt < 0 and (base) + 1:",
        "if attempt <= 1 and (base) + 1:",
        "if attempt <= 0 or (base) + 1:",
        "if attempt <= 0 and (base) - 1:",
        "if attempt <= 0 and (base) + 2:",
        "if not (attempt <= 0 and (base) + 1):",
        "pass",
        "return draw(2, base, top=attempt)",
        "return draw(base, 3, top=attempt)",
        "return draw(base, 2)",
        "return None",
    }
