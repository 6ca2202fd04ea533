"""`.ci/again.py`: a test that passes only when repeated is listed, and more than two fail the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import paths

TESTS = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({flakes}))
def test_second_time(number):
    before = pathlib.Path(f"ran-{{number}}")
    there = before.exists()
    before.touch()
    assert there

@pytest.mark.parametrize("number", range({broken}))
def test_broken(number):
    assert False
"""


def again(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(paths.ROOT / ".ci" / "again.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("flakes", "broken", "code"), [(2, 0, 0), (3, 0, 1), (1, 1, 1)])
@pytest.mark.long
def test_flakes_are_listed_and_more_than_two_fail(
    tmp_path: Path, flakes: int, broken: int, code: int
) -> None:
    (tmp_path / "test_some.py").write_text(TESTS.format(flakes=flakes, broken=broken))
    command = [sys.executable, "-m", "pytest", "-q"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    done = again(tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("Flakes:" in done.stdout) is not broken
    if not broken:
        assert f"Flakes: {flakes}, at most 2 are accepted." in done.stdout
        listed = (tmp_path / ".bootcamp/flakes.txt").read_text().splitlines()
        assert listed == [f"test_some.py::test_second_time[{one}]" for one in range(flakes)]


def test_a_failure_without_a_test_stays_one(tmp_path: Path) -> None:
    assert again(tmp_path).returncode == 1


def test_every_test_that_failed_is_found_again() -> None:
    """Tests of all parts of CI: of `make test`, of `make test-weeks`, and of `make validate`."""
    failed = [
        "tests/ci/test_flakes.py::test_a_failure_without_a_test_stays_one",
        "tests/week06/test_week06_endpoints.py::test_the_latest_attempts_are_kept",
        "tests/validation/test_validation.py::test_an_item_left_undone_is_lost_for_that_reason[3.6]",
    ]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    options = ["--all-validation", "--leave-nothing-out"]
    done = subprocess.run(
        [*command, *options, *failed], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 tests collected" in done.stdout
