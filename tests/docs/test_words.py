"""The check of retired words finds them, and its lists stay true."""

from __future__ import annotations

import pytest

from bootcamp.authoring import words
from bootcamp.paths import ROOT


def test_the_checked_files_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert words.main() == 0, capsys.readouterr().out


def test_words_are_found_in_any_form_and_across_lines() -> None:
    text = "It works.\nWhoever waits for\never, forgot the amendment and mended it."
    found = list(words.retired_words(text))
    assert found == [(2, "Whoever"), (2, "for ever"), (3, "forgot"), (3, "mended")]
    assert words.replacement("for ever") == "without end, or permanently"


def test_every_exception_is_needed() -> None:
    assert len(words.ALLOWED) <= 15
    for name, word in words.ALLOWED:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert word in {found.lower() for _, found in words.retired_words(text)}, (name, word)
