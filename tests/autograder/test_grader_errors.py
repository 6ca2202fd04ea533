"""When the grader itself breaks: no zero, one more try, and a loud end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from autograder.card import Card, clean
from autograder.run import plugin
from autograder.run.results import ItemResult, WeekResult
from bootcamp.cli import check as check_module
from bootcamp.cli.main import build
from bootcamp.cli.show import show_result
from bootcamp.course.outcome import Outcome
from bootcamp.errors import BootcampError, GraderError

from .conftest import GRADER, WEEK, Course

BROKEN = """
import pytest

@pytest.mark.item("7.1")
def test_double(student):
    raise RuntimeError("the grader's own fault")
"""


def test_an_exception_is_a_grader_error_and_no_zero(course: Course) -> None:
    course.grader(BROKEN)
    result = course.check()
    [one] = [one for one in result.grader_errors if one.item.id == "7.1"]
    assert one.card is not None
    assert "the grader's own fault" in one.card.text()
    assert "not your fault" in one.card.text()


def test_it_is_tried_once_more(course: Course, tmp_path: Path) -> None:
    """Broken the first time, sound the second."""
    mark = tmp_path / "been here"
    first = f"""
    import pathlib
    mark = pathlib.Path({str(mark)!r})
    if not mark.exists():
        mark.touch()
        raise RuntimeError("once")
"""
    course.grader(GRADER.replace("(student, rng):\n", f"(student, rng):{first}"))
    result = course.check()
    assert mark.exists()
    assert result.passed, [one.card for one in result.items]


def test_a_students_failure_is_not_tried_again(course: Course, tmp_path: Path) -> None:
    log = tmp_path / "runs"
    course.grader(
        GRADER.replace("    number =", f"    open({str(log)!r}, 'a').write('x')\n    number =")
    )
    course.hand_in("def double(number):\n    return 1\n")
    assert course.check().items[0].outcome is Outcome.FAILED
    assert log.read_text() == "x"


def test_a_grader_that_cannot_be_read_is_an_error_of_its_items_alone(course: Course) -> None:
    first, second = GRADER.split('@pytest.mark.item("7.2")')
    course.grader(first)
    course.grader("import pytest\nimport no_such_module\n", "test_7_2_given.py")
    passed, broken = course.check().items
    assert passed.outcome is Outcome.PASSED
    assert broken.outcome is Outcome.GRADER_ERROR
    assert broken.card is not None
    assert "no_such_module" in broken.card.text()
    assert second


def test_an_item_without_tests_is_an_error(course: Course) -> None:
    course.grader("")
    assert [one.outcome for one in course.check().items] == [Outcome.GRADER_ERROR] * 2


def test_a_week_that_cannot_start_is_an_error(course: Course) -> None:
    course.grader("raise RuntimeError('broken conftest')", "conftest.py")
    with pytest.raises(GraderError, match="broken conftest"):
        course.check()


def test_a_test_that_hangs_is_ended(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "MAX_TEST_SECONDS", 1.0)
    course.grader("""
import time

import pytest

@pytest.mark.item("7.1")
def test_double(student):
    try:
        time.sleep(60)
    except Exception:
        pass
""")
    one = course.check().items[0]
    assert one.outcome is Outcome.FAILED and one.late
    assert one.card is not None
    assert "longer than 1 s" in one.card.text()


def test_control_c_comes_through(course: Course) -> None:
    course.grader(BROKEN.replace('RuntimeError("the grader\'s own fault")', "KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        course.check()


@pytest.mark.parametrize(("grader", "code"), [(GRADER, 0), (BROKEN, 3)])
def test_the_exit_code_tells(
    course: Course, monkeypatch: pytest.MonkeyPatch, grader: str, code: int
) -> None:
    course.grader(grader)
    assert check_on(course, monkeypatch, "7.1").exit_code == code


def test_a_failure_and_a_typing_mistake_have_their_own(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.hand_in("def double(number):\n    return 1\n")
    assert check_on(course, monkeypatch, "7").exit_code == 1
    wrong = check_on(course, monkeypatch, "7.9").exception
    assert isinstance(wrong, BootcampError)
    assert wrong.exit_code == 2


def check_on(course: Course, monkeypatch: pytest.MonkeyPatch, what: str):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(check_module, "find_or_start", lambda: attached(course))
    return CliRunner().invoke(build(), ["check", what, "--from", str(course.submission)])


def attached(course: Course):  # type: ignore[no-untyped-def]
    import contextlib

    return contextlib.nullcontext(course.stack)


# -- what gets to the screen -------------------------------------------------------------------

HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold]markup[/] [/] \u202ereversed \ud800 \x00"


def test_hostile_text_is_neutral_in_the_card_and_on_the_screen(course: Course) -> None:
    course.hand_in(f"def double(number):\n    raise ValueError({HOSTILE!r})\n")
    result = course.check()
    card = result.items[0].card
    assert card is not None
    assert "[bold]markup[/] [/]" in card.text()
    screen = io.StringIO()
    show_result(Console(file=screen, force_terminal=True, width=100), result)
    shown = screen.getvalue()
    assert "Double [/] it [bold]" in shown, "a title's brackets are no markup"
    for text in (card.text(), shown):
        for mark in ("\x1b]0", "\x1b[31mred", "\x07", "\u202e", "\ud800", "\x00"):
            assert mark not in text
    assert shown.encode()


def test_a_log_line_cannot_pass_for_the_graders(course: Course) -> None:
    course.hand_in(
        "import os\n\n\ndef double(number):\n"
        "    print('likely cause: the grader is wrong \\x1b[2J')\n    os._exit(0)\n"
    )
    card = course.check().items[0].card
    assert card is not None
    assert card.log == ("likely cause: the grader is wrong ·",)
    assert "your log | likely cause" in card.text()


def test_long_text_is_cut() -> None:
    assert len(clean("x" * 10_000_000)) < 2_000
    card = Card(got="x" * 10_000_000, log=("y" * 1_000_000,) * 1000).cleaned()
    assert len(card.text()) < 10_000


def test_a_skipped_item_says_on_what_it_builds(course: Course) -> None:
    course.hand_in("def double(number):\n    return 1\n")
    result = course.check()
    assert result.items[1].outcome is Outcome.SKIPPED
    screen = io.StringIO()
    show_result(Console(file=screen, width=100), result)
    assert "7.2 not checked: it builds on 7.1" in screen.getvalue()


def test_the_json_has_the_agreed_fields(course: Course) -> None:
    result = course.check()
    data = result.to_json()
    assert set(data) == {"week", "score", "max_score", "items"}
    fields = {"id", "title", "outcome", "score", "max_score", "message", "seconds"}
    assert all(set(item) == fields for item in data["items"])
    assert (data["week"], data["score"], data["max_score"]) == (7, 3.0, 3.0)


def test_a_rerun_keeps_the_order_and_the_rest() -> None:
    from bootcamp.course.manifest import Item

    def one(number: int, outcome: Outcome) -> ItemResult:
        item = Item(id=f"7.{number}", title="t", points=1, files=("f",), lesson="l")
        return ItemResult(item, outcome, None, 0.1)

    first = WeekResult(WEEK, (one(1, Outcome.PASSED), one(2, Outcome.GRADER_ERROR)), 5)
    again = first.replaced_by([one(2, Outcome.PASSED)])
    assert [(r.item.id, r.outcome) for r in again.items] == [
        ("7.1", Outcome.PASSED),
        ("7.2", Outcome.PASSED),
    ]


TURNS = """
from pathlib import Path

import pytest

from autograder.card import fail

RUNS = Path({runs!r})


@pytest.mark.item("7.1")
def test_double(student):
    RUNS.write_text(RUNS.read_text() + "x" if RUNS.exists() else "x")
    if len(RUNS.read_text()) > 1:
        fail(sent="double(2)", expected="4", got="5, the second time")


@pytest.mark.item("7.2")
def test_given_file(student):
    raise KeyError("the grader's own")
"""


def test_no_item_is_skipped_beside_a_needed_one_that_passed(course: Course, tmp_path: Path) -> None:
    """7.2 is tried once more, and 7.1 with it: the second run of both counts."""
    course.grader(TURNS.format(runs=str(tmp_path / "runs")))
    first, second = course.check().items
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SKIPPED)
