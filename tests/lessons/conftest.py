"""Runs the programs that the lessons show, each once, against one stack."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.transcripts import PROGRAM_SECONDS
from bootcamp.stack import Stack
from bootcamp.stack.process import Process


@pytest.fixture(scope="session")
def lesson_state(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which `find_or_start()` finds the stack of this test session."""
    state = tmp_path_factory.mktemp("state")
    (state / "stack").symlink_to(stack.path)
    return state


@pytest.fixture(scope="session")
def output_of(lesson_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """What `python lessons/…/code/….py` prints."""
    env = {**os.environ, "BOOTCAMP_STATE": str(lesson_state), "PYTHONUNBUFFERED": "1"}

    @cache
    def run(command: str) -> str:
        words = [sys.executable, *shlex.split(command)[1:]]
        log = tmp_path_factory.mktemp("program") / "output.txt"
        with Process(words, env=env, log=log, name=command, cwd=paths.ROOT) as program:
            code = program.wait(PROGRAM_SECONDS)
        output = log.read_text(encoding="utf-8")
        assert code == 0, output
        return output

    return run
