"""Every cheat, graded as a class is: it gains nothing, harms nobody, and is reported for what it did.

Without `--all-validation`, as in `make test`, the first one of each family is tried; with it, as in
`make validate`, all.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

import pytest

from autograder.classroom.execution.grading_process import Answer
from autograder.validation import report
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import find_week
from tests.cheats.baits import Baits
from tests.cheats.catalogue import CHEATS
from tests.cheats.conftest import Class
from tests.cheats.making import FAMILIES, Cheat
from tests.validation import selection

LEAST_CHEATS = 45


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each cheat that is to be tried."""
    if "cheat" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all-validation")
        chosen = CHEATS if every else sample(CHEATS)
        metafunc.parametrize("cheat", chosen, ids=lambda cheat: cheat.name)


def sample(cheats: Iterable[Cheat]) -> list[Cheat]:
    """The first one of each family."""
    first: dict[str, Cheat] = {}
    for cheat in cheats:
        first.setdefault(cheat.family, cheat)
    return list(first.values())


def test_the_catalogue_covers_every_family() -> None:
    families = Counter(cheat.family for cheat in CHEATS)
    assert set(families) == set(FAMILIES)
    assert sum(families.values()) >= LEAST_CHEATS
    assert len({cheat.name for cheat in CHEATS}) == len(CHEATS)


def test_the_page_shows_every_cheat() -> None:
    page = report.PAGE.read_text(encoding="utf-8")
    assert not [one.name for one in CHEATS if f"| {proof_name(one)} |" not in page], "make validate"


def proof_name(cheat: Cheat) -> str:
    return f"{cheat.family}: {cheat.name}"


def proof_of(cheat: Cheat, answer: Answer) -> report.Proof:
    """What the page of proofs says of it: the items that it attacks, and those it leaves alone."""
    week = find_week(cheat.week)
    items = [item.id for item in load_manifest(week).items]
    expected = report.marks(items, cheat.loses, (*cheat.loses, *cheat.keeps))
    found = {one.id: report.mark(one.outcome) for one in answer.items}
    seen = {
        item: found.get(item, "?") if expected[item] != report.LEFT else report.LEFT
        for item in items
    }
    key = selection.key(week.name, "cheat", proof_name(cheat))
    return report.Proof(week.name, "cheat", proof_name(cheat), expected, seen, key)


def test_a_cheat_gains_nothing_and_harms_nobody(
    cheat: Cheat, graded: Class, baits: Baits, request: pytest.FixtureRequest
) -> None:
    answer = graded.answer(cheat)
    items = {one.id: one for one in answer.items}
    report = "\n".join(f"{one.id} {one.outcome}: {one.text}" for one in answer.items)

    proof = proof_of(cheat, answer)
    if folder := request.config.getoption("--note-validation"):
        report.note(proof, folder)

    # the grader does not break
    assert not answer.problem, (answer.problem, answer.harms)
    assert Outcome.GRADER_ERROR not in {one.outcome for one in answer.items}, report

    # it gains nothing
    for item in cheat.loses:
        assert items[item].outcome is not Outcome.PASSED, report
        assert items[item].score == 0, report
    for item in cheat.keeps:
        assert items[item].outcome is Outcome.PASSED, report

    # nobody is harmed, nothing got out, nothing is left
    assert not answer.harms, answer.harms
    assert not baits.taken([report, graded.intakes[cheat.name].notes]), report
    assert {"bubblewrap", "own network"} <= set(answer.sandbox.split(", ")), answer.sandbox

    # the report says what happened, and nothing that a terminal or a page would take for its own
    lost = "\n".join(items[item].text for item in cheat.loses)
    for words in cheat.says:
        assert words in lost, report
    for name in cheat.left_out:
        assert any(name in note for note in graded.intakes[cheat.name].notes)
    strange = {one for one in report if unicodedata.category(one) in ("Cc", "Cf") and one != "\n"}
    assert not strange, report
    assert len(report) < 20_000
