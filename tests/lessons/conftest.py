"""Runs the programs that the lessons show, each once, against one stack."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bootcamp.authoring.transcripts import run_program
from bootcamp.stack import Stack


@pytest.fixture(scope="session")
def lesson_state(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which `find_or_start()` finds the stack of this test session."""
    state = tmp_path_factory.mktemp("state")
    (state / "stack").symlink_to(stack.path)
    return state


@pytest.fixture(scope="session")
def output_of(lesson_state: Path) -> Callable[[str], str]:
    """What `python lessons/…/code/….py` prints."""
    env = {**os.environ, "BOOTCAMP_STATE": str(lesson_state)}

    @cache
    def run(command: str) -> str:
        return run_program(command, env)

    return run
