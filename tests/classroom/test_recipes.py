"""The recipes of the instructor's page, as far as this machine has their other half."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from autograder.classroom.intake.roster import load_roster
from autograder.classroom.policy.late import load_policy
from bootcamp import paths
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, all_weeks

PAGE = paths.AUTOGRADER / "classroom" / "README.md"
RECIPES = PAGE.parent / "recipes"


def test_gradescope_runs_the_autograder(week: Week, tmp_path: Path) -> None:
    shutil.copytree(week.exercises / "pipeline", tmp_path / "submission" / "pipeline")
    (tmp_path / "results").mkdir()
    course = tmp_path / "course"
    (course / ".venv" / "bin").mkdir(parents=True)
    command = course / ".venv" / "bin" / "bootcamp"
    command.write_text(
        f'#!/bin/sh\ncd "{paths.ROOT}" && exec "{sys.executable}" -m bootcamp "$@"\n'
    )
    command.chmod(0o755)
    env = {**os.environ, "AUTOGRADER_ROOT": str(tmp_path), "COURSE": str(course), "WEEK": "1"}
    script = RECIPES / "gradescope" / "run_autograder"
    done = subprocess.run(
        [script], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "results" / "results.json").read_text())
    assert result["score"] == 0.0
    assert [test["number"] for test in result["tests"]] == [
        "1.0",
        "1.1",
        "1.2",
        "1.3",
        "1.4",
        "1.5",
    ]


def test_gradescope_finds_its_scripts_at_the_top_of_the_archive(tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(recipe=.*?)```", PAGE.read_text(), flags=re.DOTALL)
    target = tmp_path / "autograder.zip"
    script = block.replace("autograder.zip", f"'{target}'")
    subprocess.run(["bash", "-eu", "-c", script], cwd=paths.ROOT, check=True)
    with zipfile.ZipFile(target) as packed:
        names = set(packed.namelist())
    assert {"setup.sh", "run_autograder", "course/Makefile", "course/requirements.lock"} <= names


@pytest.mark.parametrize(("has", "gets"), [("3, 10, 12", "python3.11"), ("3, 12, 3", "python3")])
def test_gradescope_installs_with_a_python_that_the_course_runs_on(
    has: str, gets: str, tmp_path: Path
) -> None:
    """Gradescope's default image, Ubuntu 22.04, has Python 3.10."""
    tools, course = tmp_path / "bin", tmp_path / "source" / "course"
    tools.mkdir()
    (course / ".venv/bin").mkdir(parents=True)
    pretend = f"import sys; sys.version_info = ({has}); exec(sys.argv[1])"
    for name, line in {
        "apt-get": 'echo "apt-get $*"',
        "make": 'echo "make $* in $PWD"',
        "../source/course/.venv/bin/playwright": 'echo "playwright $*"',
        "python3": f"exec '{sys.executable}' -c '{pretend}' \"$2\"",  # it is called with -c
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    done = subprocess.run(
        [RECIPES / "gradescope" / "setup.sh"],
        env={"PATH": f"{tools}:{os.defpath}", "AUTOGRADER_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, install, made, browser = done.stdout.splitlines()
    assert made == f"make setup PYTHON={gets} in {course}"
    assert ("python3.11 python3.11-venv" in install) == (gets == "python3.11")
    assert browser == "playwright install --with-deps chromium"


def test_the_shell_scripts_can_be_read_by_bash() -> None:
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", RECIPES / "gradescope" / name], check=True)


def test_the_workflow_grades_and_keeps_the_report() -> None:
    workflow = yaml.safe_load((RECIPES / "github_actions.yml").read_text())
    *_, grade, keep = workflow["jobs"]["grade"]["steps"]
    assert 'bootcamp grade "$RUNNER_TEMP/submissions" --week "$WEEK"' in grade["run"]
    assert keep["with"]["path"].endswith("/grades/reports/student.html")


@pytest.mark.parametrize("works", [True, False])
def test_classroom_50s_autograder_completes_the_result_or_writes_none(
    tmp_path: Path, works: bool
) -> None:
    """With a `bootcamp` that writes what ours writes, or nothing, as when the grader failed."""
    course, submission = tmp_path / "course", tmp_path / "submission"
    (submission / "exercises").mkdir(parents=True)
    command = course / ".venv/bin/bootcamp"
    command.parent.mkdir(parents=True)
    made = (
        """to="$6/exports/classroom50"; mkdir -p "$to"; echo '{"score": 7}' > "$to/student.json" """
    )
    command.write_text(f"#!/bin/sh\n{made if works else 'exit 3'}\n")
    command.chmod(0o755)
    runner = {
        "CLASSROOM": "harbour",
        "ASSIGNMENT": "week-1",
        "SUBMISSION_TAG": "submit/1",
        "COMMIT_URL": "https://example.org/c/1",
        "RELEASE_URL": "https://example.org/r/1",
    }
    done = subprocess.run(
        [sys.executable, RECIPES / "classroom50/autograder.py"],
        cwd=submission,
        env={"PATH": os.defpath, "COURSE": str(course), **runner},
        capture_output=True,
        text=True,
        check=False,
    )
    result = submission / "result.json"
    assert done.returncode == (0 if works else 1), done.stderr
    assert result.is_file() == works
    if works:
        assert json.loads(result.read_text()) == {
            "score": 7,
            "classroom": "harbour",
            "assignment": "week-1",
            "submission": "submit/1",
            "commit": "https://example.org/c/1",
            "release": "https://example.org/r/1",
            "review": "https://example.org/c/1",
        }


def test_the_example_files_are_right() -> None:
    for week in all_weeks():
        policy = load_policy(
            RECIPES / "policy.toml", [item.id for item in load_manifest(week).items]
        )
        assert policy.late.max_percent == 50
    roster = load_roster(RECIPES / "roster.csv", ZoneInfo("Europe/Berlin"))
    assert len(roster.students) == 3
    assert not roster.ignored


def test_every_link_of_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\((?!https)([^)]+)\)", PAGE.read_text()):
        assert (PAGE.parent / link).is_file(), link
