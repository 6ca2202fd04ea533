"""Grader validation: correct solutions get full marks, and wrong ones lose exactly their items.

For every week with a manifest: the reference gets full marks, the untouched exercises none, a week
with one item undone loses that item, each wrong solution loses exactly what it says, and each
correct solution unlike ours gets full marks.

    pytest tests/validation/test_validation.py -k week01 -n 2

Without `--all-validation`, as in `make test` and `make test-weeks`: of each week the reference; of the
first and the newest week a wrong solution; an item left undone; and the exercises of week 1 (all of them
are graded in `test_homework_red.py`).
With it, as in `make validate`, all there are; `selection.py` says how that is resumed and sampled.
What they came to is on the page `VALIDATION.md`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

import pytest

from autograder.classroom.execution.grading import with_dependents
from autograder.process.fork_client import Host
from autograder.run.results import ItemResult, WeekResult
from autograder.run.runner import run_week
from autograder.sandbox.tiers import strongest
from autograder.validation import fresh_eyes, report
from autograder.validation.variants import Variant, build, load_variants
from bootcamp.authoring.generate import scaffolds
from bootcamp.authoring.scaffold import blocks
from bootcamp.course.manifest import Item, graded_weeks, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week
from bootcamp.stack import Stack
from tests.validation import selection

WRONG_PER_ITEM, UNLIKE_PER_WEEK = 3, 1
"""Wrong solutions that an item must have, and correct ones unlike ours that a week must have."""
STUBS = {
    ".py": 'raise NotImplementedError("{}")',
    ".js": 'throw new Error("{} is not done yet");',
}
"""What the scaffold has in the place of the item's code. Pages and style sheets have nothing there."""
MARKERS = ('NotImplementedError("{}")', '"{} is not done yet"')
Compare = Callable[[WeekResult, str, str, Iterable[str]], None]
"""Takes a result, the trial's kind and name, and the items that must be lost."""
WEEKS = graded_weeks()
VARIANTS = [variant for week in WEEKS for variant in load_variants(week)]
SAMPLED = (WEEKS[0], WEEKS[-1])
"""Weeks of which `make test` tries a changed solution. Each run of CI tries a twentieth of all."""
ITEMS = [(week, item) for week in WEEKS for item in load_manifest(week).items]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each variant that is to be tried, and each item to be left undone: without `--all-validation`, the
    first one that needs another, as the others fail untouched for that reason, too.
    """
    every = metafunc.config.getoption("--all-validation")
    if "untouched" in metafunc.fixturenames:
        metafunc.parametrize("untouched", WEEKS if every else WEEKS[:1], ids=week_id)
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", VARIANTS if every else sample(VARIANTS), ids=str)
    if "item" in metafunc.fixturenames:
        first = [pair for pair in ITEMS if pair[1].needs][:1]
        undone = ITEMS if every else first
        metafunc.parametrize(("week", "item"), undone, ids=[item.id for _, item in undone])


def sample(variants: Iterable[Variant]) -> list[Variant]:
    """The first wrong one of each sampled week."""
    first: dict[str, Variant] = {}
    for variant in variants:
        if not variant.correct and variant.week in SAMPLED:
            first.setdefault(variant.week.name, variant)
    return list(first.values())


def week_id(week: Week) -> str:
    return f"week{week.number:02}"


each_week = pytest.mark.parametrize("week", WEEKS, ids=week_id)


def cards(result: WeekResult) -> str:
    return "\n\n".join(
        f"{one.item.id} {one.outcome}\n{one.card.text() if one.card else ''}"
        for one in result.items
    )


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """Note what a trial came to, and compare it with what was expected."""
    folder: Path | None = request.config.getoption("--note-validation")

    def compare_and_note(result: WeekResult, kind: str, name: str, loses: Iterable[str]) -> None:
        items = [item.id for item in load_manifest(result.week).items]
        checked = [one.item.id for one in result.items]
        seen = report.observed(items, result)
        expected = report.marks(items, loses, checked)
        key = selection.key(result.week.name, kind, name) if folder else ""
        trial = report.Trial(result.week.name, kind, name, expected, seen, key)
        if folder:
            report.note(trial, folder)
        assert trial.holds, f"{trial.row()}\n{cards(result)}"

    return compare_and_note


def of(result: WeekResult, item_id: str) -> ItemResult:
    return next(one for one in result.items if one.item.id == item_id)


def skipped_rightly(result: WeekResult, one: ItemResult) -> bool:
    return one.outcome is Outcome.SKIPPED and any(
        of(result, needed).score == 0 for needed in one.item.needs
    )


@each_week
def test_the_reference_gets_full_marks(week: Week, stack: Stack, compare: Compare) -> None:
    """In the sandbox, where a class is graded: it must not be in the way of right code."""
    result = run_week(week, week.solutions, stack=stack, tier=strongest())
    compare(result, "reference", "solutions", ())
    assert result.score == result.max_score == load_manifest(week).max_score
    assert result.passed


def test_the_exercises_get_nothing(
    untouched: Week, stack: Stack, host: Host, tmp_path: Path, compare: Compare
) -> None:
    for file, content in scaffolds(untouched).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = run_week(untouched, tmp_path, stack=stack, host=host)
    compare(result, "untouched", "exercises", [item.id for item in load_manifest(untouched).items])
    for one in result.items:
        assert skipped_rightly(result, one) or says_undone(one), cards(result)


def test_an_item_left_undone_is_lost_for_that_reason(
    week: Week,
    item: Item,
    stack: Stack,
    host: Host,
    tmp_path: Path,
    compare: Compare,
    request: pytest.FixtureRequest,
) -> None:
    """With the item go those that need it, and no other."""
    every = request.config.getoption("--all-validation")
    shutil.copytree(week.solutions, tmp_path, dirs_exist_ok=True)
    for file in item.files:
        leave_undone(tmp_path / file, PurePosixPath(week.name) / file, item.id)
    items = None if every else [item.id]
    result = run_week(week, tmp_path, items=items, stack=stack, host=host)
    compare(result, "undone", item.id, with_dependents(load_manifest(week), {item.id}))
    assert says_undone(of(result, item.id)), cards(result)


def leave_undone(path: Path, name: PurePosixPath, item_id: str) -> None:
    """Put the scaffold's stub in the place of the item's code, and leave all else."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for block in reversed(blocks(text, name)):
        if block.item == item_id:
            start = block.code_line - 1
            stub = STUBS.get(path.suffix, "").format(item_id)
            lines[start : start + len(block.code)] = [f"{block.indent}{stub}\n"]
    path.write_text("".join(lines), encoding="utf-8")


def says_undone(one: ItemResult) -> bool:
    """Failed, with a card that names the stub and its line."""
    text = one.card.text() if one.card else ""
    return (
        one.outcome is Outcome.FAILED
        and any(marker.format(one.item.id) in text for marker in MARKERS)
        and any(f"{file} line " in text for file in one.item.files)
    )


def test_a_changed_solution_gets_what_it_deserves(
    variant: Variant, stack: Stack, host: Host, tmp_path: Path, compare: Compare
) -> None:
    source, items = build(variant, tmp_path), touched(variant)
    result = run_week(variant.week, source, items=items, stack=stack, host=host)
    compare(result, variant.path.parent.name, variant.path.stem, variant.loses)
    if not variant.correct:
        card = of(result, variant.loses[0]).card
        assert card is not None
        assert variant.card in card.text(), cards(result)


def touched(variant: Variant) -> tuple[str, ...]:
    """Items that the patch can have an effect on: lost, or with a file of theirs changed.

    A correct solution is checked in full.
    """
    items = load_manifest(variant.week).items
    if variant.correct:
        return tuple(item.id for item in items)
    files = {
        line.removeprefix("+++ b/").strip()
        for line in variant.path.read_text(encoding="utf-8").splitlines()
        if line.startswith("+++ ")
    }
    return tuple(item.id for item in items if item.id in variant.loses or files & {*item.files})


@each_week
def test_the_page_shows_every_trial(week: Week) -> None:
    """`make validate` writes it; run it after you have added a solution."""
    items = [item.id for item in load_manifest(week).items]
    _, _, rest = report.PAGE.read_text(encoding="utf-8").partition(f"## {week}\n")
    rows = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    there = {tuple(cell.strip() for cell in row.split("|")[1:3]) for row in rows}
    assert not [row for row in rows if "→" in row], "a trial does not hold"
    wanted = {("reference", "solutions"), ("untouched", "exercises")}
    wanted |= {("undone", item) for item in items}
    wanted |= {(one.path.parent.name, one.path.stem) for one in VARIANTS if one.week == week}
    assert wanted == {pair for pair in there if pair[0] != "cheat"}, "run: make validate"


def test_the_page_shows_the_trials_with_fresh_eyes() -> None:
    table = "\n".join(fresh_eyes.table(graded_weeks()))
    assert f"\n{table}\n" in report.PAGE.read_text(encoding="utf-8"), "run: make validate"


@each_week
def test_there_are_enough_wrong_and_unlike_solutions(week: Week) -> None:
    variants = load_variants(week)
    aimed = Counter(variant.loses[0] for variant in variants if not variant.correct)
    for item in load_manifest(week).items:
        assert aimed[item.id] >= WRONG_PER_ITEM, f"{item.id} has {aimed[item.id]} wrong solutions"
    assert sum(variant.correct for variant in variants) >= UNLIKE_PER_WEEK
