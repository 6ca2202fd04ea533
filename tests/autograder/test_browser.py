"""The browser of graders: hostile pages end in a card, and without a browser nothing is judged."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error

from autograder.card import Unavailable
from autograder.process import browser as browser_module
from autograder.process.browser import Chrome
from autograder.run.fault_attribution import page_blamed
from autograder.run.runner import run_week
from autograder.sandbox.memory import family, too_much_memory
from autograder.sandbox.tiers import Sandbox, Tier, can_change_user, can_filter, new_user, strongest
from bootcamp.cli.check import exit_code
from bootcamp.course.outcome import Outcome
from bootcamp.stack import Stack, doctor
from bootcamp.stack.browser import VARIABLE, find_browser
from tests.parts import missing

from .conftest import WEEK, Course

NEEDS_A_BROWSER = """
import pytest

@pytest.mark.item("7.1")
def test_double(student, browser):
    with browser.page() as page:
        assert page.evaluate("1 + 1") == 2
"""
HOSTILE = {
    "loops": "while (true) {}",
    "never settles": "new Promise(() => {})",
    "ends its own tab": "location = 'chrome://crash'; new Promise(() => {})",
}


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[Chrome]:
    """A browser in the sandbox of a class."""
    if find_browser() is None:
        missing("There is no browser. Install Chromium.")
    tier = strongest()
    home = tmp_path / "home"
    home.mkdir()
    user = new_user() if can_change_user(tier) else None
    walls = Sandbox(tier, user, (), (home,), (), can_filter(tier))
    walls.give(home)
    folder = tmp_path / "browser"
    folder.mkdir()
    for parent in [tmp_path, *tmp_path.parents[:2]]:
        parent.chmod(0o711)
    chrome = Chrome(walls, folder)
    yield chrome
    chrome.close()


def test_a_page_runs_as_somebody_without_rights(chrome: Chrome) -> None:
    with chrome.page() as page:
        page.set_content("<button>Go</button>")
        assert page.get_by_role("button", name="Go").count() == 1
        assert Path(f"/proc/{chrome.pid}").exists()
        assert not too_much_memory(chrome.pid)
        if os.geteuid() == 0 and chrome._walls.user is not None:
            inside = [one for one in family(chrome.pid)[1:] if "chrom" in one.name()]
            assert inside and all(one.uids().real == chrome._walls.user for one in inside)


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_a_page_that_never_answers_is_a_card(
    chrome: Chrome, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chrome.page() as page:
        page.set_content("<p>The browser is warm.</p>")
    monkeypatch.setattr(browser_module, "PAGE_SECONDS", 5.0)
    with pytest.raises(Error) as caught, chrome.page() as page:
        page.evaluate(script)
    card = page_blamed(chrome, caught.value)
    assert card is not None and card.got
    with chrome.page() as page:
        assert page.evaluate("1 + 1") == 2  # the next page is none the worse


def test_dialogs_and_floods_hold_nobody_up(chrome: Chrome) -> None:
    with chrome.page() as page:
        page.evaluate("for (let n = 0; n < 100000; n++) console.log('x'.repeat(1000))")
        page.evaluate("setTimeout(() => { while (true) alert('again'); }, 0) && 1")
        page.wait_for_timeout(300)


def test_a_page_reaches_nothing_by_name(chrome: Chrome) -> None:
    with chrome.page() as page:
        said = page.evaluate("fetch('http://localhost.test:1/').catch((error) => error.message)")
    assert said == "Failed to fetch"


def test_without_a_browser_the_item_is_unavailable(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    course.grader(NEEDS_A_BROWSER)
    course.hand_in("def double(number):\n    return 2 * number\n")
    result = course.check()
    one = result.items[0]
    assert one.outcome is Outcome.UNAVAILABLE and not one.outcome.judged
    assert one.card is not None and "Install Chrome" in one.card.text()
    assert one.to_json()["score"] is None
    assert exit_code([result]) == 3
    assert "not checked" in result.total


def test_the_variable_names_a_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "own"
    monkeypatch.setenv(VARIABLE, str(own))
    assert find_browser() is None
    own.write_text("#!/bin/sh\nexit 1\n")
    own.chmod(0o755)
    assert find_browser() == own
    assert doctor.browser(own).status is doctor.Status.OK
    assert VARIABLE in doctor.browser(None).advice
    chrome = Chrome(Sandbox(Tier.LIMITS), tmp_path)
    with pytest.raises(Unavailable, match="does not start"), chrome.page():
        pass


def test_a_browser_without_windows_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    chrome, shell = tmp_path / "google-chrome", tmp_path / "chromium-headless-shell"
    downloaded = tmp_path / ".cache/ms-playwright/chromium_headless_shell-9/x/headless_shell"
    downloaded.parent.mkdir(parents=True)
    for number, one in enumerate((downloaded, chrome, shell)):
        one.write_text("#!/bin/sh\n")
        one.chmod(0o755)
        assert sys.platform == "darwin" or find_browser() == one, number


def test_checks_that_follow_one_another_may_share_a_browser(
    course: Course, chrome: Chrome, stack: Stack
) -> None:
    """As `bootcamp watch` does: it is warm, and what ended it in one check is forgotten in the next."""
    course.grader(NEEDS_A_BROWSER)
    course.hand_in("def double(number):\n    return 2 * number\n")
    seen = set()
    for _ in range(2):
        chrome.ended = "the page kept it busy"
        result = run_week(WEEK, course.submission, stack=stack, browser=chrome)
        assert result.items[0].outcome is Outcome.PASSED and not chrome.ended
        seen.add(chrome.pid)
    assert len(seen) == 1 and 0 not in seen
