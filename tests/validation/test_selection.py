"""What a run of the validation tries: each part once, and nothing again that holds still."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.validation import report
from tests.validation import selection


def test_every_trial_is_in_one_part_of_each_division() -> None:
    names = [f"test_a_changed_solution[week01-wrong-{number}]" for number in range(300)]
    for name in names:
        parts = [selection.in_part(name, (number, 6)) for number in range(1, 7)]
        assert parts.count(True) == 1
    sizes = [sum(selection.in_part(name, (number, 6)) for name in names) for number in range(1, 7)]
    assert min(sizes) > 20


@pytest.mark.parametrize("text", ["", "3", "0/6", "7/6", "a/b", "1/2/3"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="a part is written as 3/10"):
        selection.part(text)


def test_a_result_holds_while_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = ("week01_first_task", "undone", "1.1")
    key = selection.key(*trial)
    assert not selection.holds_still(trial, tmp_path)
    report.note(report.Trial(*trial, {"1.1": "x"}, {"1.1": "x"}, key), tmp_path)
    assert selection.holds_still(trial, tmp_path)
    report.note(report.Trial(*trial, {"1.1": "x"}, {"1.1": "y"}, key), tmp_path)
    assert not selection.holds_still(trial, tmp_path), "it failed"
    report.note(report.Trial(*trial, {"1.1": "x"}, {"1.1": "x"}, key), tmp_path)
    monkeypatch.setattr(selection, "of_graders", lambda week: "others")
    assert not selection.holds_still(trial, tmp_path), "the graders changed"


def test_the_key_follows_the_change_itself() -> None:
    assert report.key("graders", b"one") != report.key("graders", b"two") != report.key("graders")
