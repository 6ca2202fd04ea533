"""`bootcamp release`: what a student edition holds, that it works, and how it grows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.release import release
from bootcamp.authoring.scaffold import blocks
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import UsageError
from bootcamp.files import files_in
from bootcamp.stack import Stack

OPEN, ITEM = find_week("3"), "3.2"
SECONDS = 120
LINES = 3
"""A block's code counts as revealed where so many of its lines stand together."""


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weeks 1 to 3; the solution of week 3 is held back."""
    out = tmp_path_factory.mktemp("edition") / "course"
    release(OPEN, find_week("2"), out)
    return out


def git(folder: Path, *words: str, ok: bool = True) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=False
    )
    assert not ok or done.returncode == 0, done.stderr
    return done.stdout


def pull(folder: Path, command: str = "") -> None:
    """Fetch the next week as the edition's page says, with a git that nobody has configured."""
    page = (folder / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^git pull.*$", page, flags=re.MULTILINE)
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_EDITOR": "false",
        **{
            f"GIT_{who}_{what}": "ada@localhost"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    subprocess.run((command or line).split(), cwd=folder, env=env, check=True, capture_output=True)


def bootcamp(folder: Path, stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """The edition's own command line, on the stack of this test session."""
    state = folder / ".bootcamp"
    state.mkdir(exist_ok=True)
    if not (state / "stack").exists():
        (state / "stack").symlink_to(stack.path)
    env = {**os.environ, "PYTHONPATH": str(folder), "BOOTCAMP_STATE": str(state)}
    return subprocess.run(
        [sys.executable, "-m", "bootcamp", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def pieces(week: Week) -> dict[str, str]:
    """Some lines of every block of a week's solution, by item and file."""
    found = {}
    for file in files_in(week.solutions / "pipeline"):
        path = week.solutions / "pipeline" / file
        if path.suffix != ".py":
            continue
        for block in blocks(path.read_text(encoding="utf-8"), file):
            for start in range(len(block.code) - LINES + 1):
                lines = block.code[start : start + LINES]
                found[f"{block.item} {file} {start}"] = "\n".join(lines)
    assert found
    return found


def test_nothing_of_an_open_week_is_revealed(edition: Path) -> None:
    texts = {
        file: (edition / file).read_text(encoding="utf-8", errors="replace")
        for file in git(edition, "ls-files").splitlines()
    }
    for name, piece in pieces(OPEN).items():
        holding = [file for file, text in texts.items() if piece in text]
        assert not holding, f"{name} stands in {holding}"
    assert not [file for file in texts if "/wrong/" in file or "/unlike/" in file]
    assert not [file for file in texts if "week04" in file or file.startswith("tests/")]
    assert "Week 4" not in texts["lessons/README.md"]
    assert "BEGIN SOLUTION" not in texts[f"notebooks/{OPEN}/check.ipynb"]
    assert "BEGIN HIDDEN TESTS" not in texts[f"notebooks/{OPEN}/check.ipynb"]


def test_closed_weeks_have_their_solutions(edition: Path) -> None:
    for number in ("1", "2"):
        week = find_week(number)
        for file in files_in(week.solutions):
            copied = edition / "solutions" / week.name / file
            assert copied.read_bytes() == (week.solutions / file).read_bytes()


def test_the_check_works_in_an_open_week(edition: Path, stack: Stack, tmp_path: Path) -> None:
    """On the student's clone: red before, green with the homework done."""
    clone = tmp_path / "mine"
    git(tmp_path, "clone", "--quiet", str(edition), str(clone))
    before = bootcamp(clone, stack, "check", ITEM, "--json")
    assert before.returncode == 1, before.stderr
    [item] = json.loads(before.stdout)["items"]
    assert 'NotImplementedError("3.2")' in item["message"]
    homework = Path("pipeline/steps/chunk.py")
    shutil.copy(OPEN.solutions / homework, clone / "exercises" / OPEN.name / homework)
    after = bootcamp(clone, stack, "check", ITEM, "--json")
    assert after.returncode == 0, after.stdout + after.stderr
    refused = bootcamp(clone, stack, "solution", ITEM)
    assert refused.returncode != 0 and "is open" in refused.stderr
    assert bootcamp(clone, stack, "reset", "3", "--yes").returncode == 0
    assert not git(clone, "status", "--porcelain")


def test_the_next_week_arrives_and_no_line_is_lost(edition: Path, tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "mine"
    shutil.copytree(edition, origin, symlinks=True)
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    work = clone / "exercises" / OPEN.name / "pipeline/steps/chunk.py"
    mine = work.read_text().replace('raise NotImplementedError("3.2")', "return []  # mine")
    work.write_text(mine)
    (clone / "exercises" / OPEN.name / "notes.txt").write_text("mine too")
    git(clone, "add", "exercises")
    git(clone, "commit", "--quiet", "-m", "My work")
    done = release(find_week("4"), OPEN, origin)
    assert done.commit and [week.number for week in done.weeks] == [1, 2, 3, 4]
    pull(clone)
    assert work.read_text() == mine
    assert (clone / "exercises" / OPEN.name / "notes.txt").read_text() == "mine too"
    assert (clone / "exercises/week04_job_state/README.md").is_file()
    # Once `make setup` has run, the plain command does it too.
    (setting,) = [
        line for line in (clone / "Makefile").read_text().splitlines() if "git config" in line
    ]
    subprocess.run(["sh", "-ec", setting.strip().lstrip("-@")], cwd=clone, check=True)
    (clone / "exercises" / OPEN.name / "notes.txt").write_text("mine three")
    git(clone, "commit", "--quiet", "--all", "-m", "More work")
    (origin / "lessons/README.md").write_text("mended")
    git(origin, "commit", "--quiet", "--all", "-m", "Mend")
    pull(clone, "git pull")
    assert (clone / "lessons/README.md").read_text() == "mended"
    assert (clone / "exercises" / OPEN.name / "notes.txt").read_text() == "mine three"
    solution = Path("pipeline/steps/chunk.py")
    opened = clone / "solutions" / OPEN.name
    assert (opened / solution).read_bytes() == (OPEN.solutions / solution).read_bytes()
    assert not (opened / "OPEN.md").exists()


def test_work_that_was_not_committed_survives_a_pull(edition: Path, tmp_path: Path) -> None:
    """The course mends a file that the student has changed: git stops, and says so."""
    origin, clone = tmp_path / "origin", tmp_path / "mine"
    shutil.copytree(edition, origin, symlinks=True)
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    file = f"exercises/{OPEN}/pipeline/steps/chunk.py"
    (origin / file).write_text((origin / file).read_text() + "# mended by the course\n")
    git(origin, "commit", "--quiet", "--all", "-m", "Mend")
    (clone / file).write_text("mine, half done")
    with pytest.raises(subprocess.CalledProcessError):
        pull(clone)
    assert (clone / file).read_text() == "mine, half done"


def test_a_second_release_changes_nothing(edition: Path) -> None:
    before = git(edition, "rev-parse", "HEAD")
    assert release(OPEN, find_week("2"), edition).commit == ""
    assert git(edition, "rev-parse", "HEAD") == before


def test_a_folder_that_is_no_edition_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(UsageError, match="no student edition"):
        release(find_week("1"), None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_edition_with_changes_is_left_alone(edition: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(edition, copy, symlinks=True)
    (copy / "README.md").write_text("by hand")
    with pytest.raises(UsageError, match="not committed"):
        release(OPEN, find_week("2"), copy)
    assert (copy / "README.md").read_text() == "by hand"


def test_nothing_is_closed_before_it_is_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="before it is released"):
        release(find_week("1"), find_week("2"), tmp_path / "new")


def test_two_open_weeks_build_on_the_students_own(tmp_path: Path) -> None:
    """Where a lower week has no solution, the layer is the student's."""
    out = tmp_path / "two"
    release(OPEN, find_week("1"), out)
    code = (
        "from bootcamp.course.layers import reference_layers; from bootcamp.course.weeks import find_week;"
        "print([str(one.source) for one in reference_layers(find_week('3'))])"
    )
    env = {**os.environ, "PYTHONPATH": str(out)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=out, env=env, capture_output=True, check=False)
    assert done.stdout.decode().strip() == "['student', 'student', 'reference']", done.stderr
    assert str(paths.ROOT) not in done.stdout.decode()
