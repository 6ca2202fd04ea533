"""Every cheat, graded as a class is: it gains nothing, harms nobody, and is reported for what it did."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from autograder.engine.outcome import Outcome
from tests.cheats.baits import Baits
from tests.cheats.catalogue import CHEATS
from tests.cheats.conftest import Class
from tests.cheats.making import FAMILIES, Cheat

LEAST_CHEATS = 45


def test_the_catalogue_covers_every_family() -> None:
    families = Counter(cheat.family for cheat in CHEATS)
    assert set(families) == set(FAMILIES)
    assert sum(families.values()) >= LEAST_CHEATS
    assert len({cheat.name for cheat in CHEATS}) == len(CHEATS)


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_a_cheat_gains_nothing_and_harms_nobody(cheat: Cheat, graded: Class, baits: Baits) -> None:
    answer = graded.answer(cheat)
    items = {one.id: one for one in answer.items}
    report = "\n".join(f"{one.id} {one.outcome}: {one.text}" for one in answer.items)

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
    assert answer.sandbox == "bubblewrap, own network"

    # the report says what happened, and nothing that a terminal or a page would take for its own
    lost = "\n".join(items[item].text for item in cheat.loses)
    for words in cheat.says:
        assert words in lost, report
    for name in cheat.left_out:
        assert any(name in note for note in graded.intakes[cheat.name].notes)
    strange = {one for one in report if unicodedata.category(one) in ("Cc", "Cf") and one != "\n"}
    assert not strange, report
    assert len(report) < 20_000
