"""`bootcamp grade --docker` in a real container: the tests of tests/classroom that need a daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from autograder.classroom.execution import container
from bootcamp import paths
from tests.containers.engine import Engine

TESTS = "tests/classroom/test_grade_in_container.py"
NAMES = (
    "test_a_class_in_a_container",
    "test_a_page_is_graded_in_the_browser_of_the_container",
    "test_ctrl_c_ends_the_container",
)
SECONDS = 900


@pytest.mark.timeout(1800)
def test_a_class_is_graded_in_a_container(engine: Engine) -> None:
    build = container.build_words(container.image_name(paths.ROOT), paths.ROOT)
    engine.docker(build[1], "--network", "host", *build[2:])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"{TESTS}::{name}" for name in NAMES)],
        cwd=paths.ROOT,
        env=engine.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert f"{len(NAMES)} passed" in done.stdout, done.stdout + done.stderr
