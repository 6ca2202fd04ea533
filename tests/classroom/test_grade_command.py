"""`bootcamp grade` as an instructor runs it: real processes, a real stack, week 1."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.process import wait
from autograder.sandbox.tiers import strongest
from bootcamp import paths
from bootcamp.course.weeks import Week

DEADLINE = 200.0
ROSTER = (
    "id,name,email,section,submitted,extension\n"
    "anna,Anna Alt,anna@example.org,A,2026-11-27T22:00Z,\n"
    "ben,Ben Bär,ben@example.org,A,2026-11-28T22:00Z,\n"
    "cleo,Cleo,cleo@example.org,B,,\n"
    "mallory,=1+1,mallory@example.org,B,2026-11-27T22:00Z,\n"
)
POLICY = "due = 2026-11-27T23:00:00Z\n[late]\npercent_per_day = 10\n"
BROKEN = "def enqueue_one(title:\n"

Make = Callable[..., Path]


class Grader:
    """Calls the command on one folder of submissions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.submissions = root / "submissions"
        self.out = root / "grades"
        self.env = {**os.environ, "BOOTCAMP_STATE": str(root / "state"), "PYTHONUNBUFFERED": "1"}

    def hand_in(self, student: str, source: Path, **changed: str) -> None:
        for path in source.rglob("*.py"):
            target = self.submissions / student / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        for name, text in changed.items():
            (self.submissions / student / f"pipeline/{name}.py").write_text(text)

    def command(self, *options: str) -> list[str]:
        places = [str(self.submissions), "--week", "1", "--out", str(self.out)]
        places += ["--allow-unsandboxed"]  # which changes nothing where a sandbox works
        return [sys.executable, "-m", "bootcamp", "grade", *places, *options]

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*options),
            cwd=paths.ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*options)
        try:
            output, errors = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == code, output + errors
        return output, errors

    def grades(self, *options: str) -> dict[str, dict[str, Any]]:
        """Grade, and give what `--json` prints, by student."""
        summary = json.loads(self.run("--json", *options)[0])
        return {student["id"]: student for student in summary["students"]}

    def kept(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in (self.out / "results").glob("*.json")}


@pytest.fixture
def grader(tmp_path: Path) -> Iterator[Grader]:
    yield Grader(tmp_path)


@pytest.fixture
def started(grader: Grader) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command; whatever is left of it dies with the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        processes.append(grader.start(*options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The grading processes."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            words = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if "spawn_main" in words:
            found.append(child)
    return found


def all_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=40)
    assert not alive


def test_a_class_from_a_folder_to_grades(grader: Grader, week: Week, tmp_path: Path) -> None:
    grader.hand_in("anna", week.solutions)
    (grader.submissions / "anna" / "conftest.py").write_text("raise SystemExit(0)\n")
    grader.hand_in("ben@example.org", week.solutions, producer=BROKEN)
    with zipfile.ZipFile(grader.submissions / "mallory.zip", "w") as packed:
        packed.writestr("pipeline/producer.py", "")
        packed.writestr("../../outside.py", "import os\n")
    grader.hand_in("stranger", week.exercises)
    (tmp_path / "roster.csv").write_text(ROSTER)
    (tmp_path / "policy.toml").write_text(POLICY)
    rules = ["--roster", str(tmp_path / "roster.csv"), "--policy", str(tmp_path / "policy.toml")]

    grades = grader.grades("-j", "2", *rules)
    assert {name: one["status"] for name, one in grades.items()} == {
        "anna": "graded", "ben": "graded", "cleo": "missing", "mallory": "refused",
    }  # fmt: skip
    assert (grades["anna"]["final"], grades["cleo"]["final"], grades["mallory"]["final"]) == (
        10,
        None,
        0,
    )
    assert grades["ben"]["items"]["1.3"] == "not_gradable"
    assert grades["ben"]["score"] == 8.0
    assert (grades["ben"]["penalty"], grades["ben"]["final"]) == (0.8, 7.2)
    assert "leads out" in grades["mallory"]["reason"]
    assert grades["anna"]["sandbox"].startswith(strongest().value)
    assert any("conftest.py" in note for note in grades["anna"]["notes"])
    assert not list(tmp_path.rglob("outside.py"))
    whole = json.loads((grader.out / "grades.json").read_text())
    assert any("stranger" in problem for problem in whole["problems"])
    for name in grades:
        assert (grader.out / "reports" / f"{name}.html").is_file()
    assert (grader.out.stat().st_mode & 0o077) == 0

    # Again: nothing is graded, everything is the same, and a rule may have changed.
    kept = grader.kept()
    assert set(kept) == {"anna", "ben"}
    (tmp_path / "policy.toml").write_text(POLICY.replace("10", "50"))
    again = grader.grades(*rules)
    assert grader.kept() == kept
    assert again["ben"]["final"] == 4.0
    assert again["anna"] == grades["anna"]

    # One item of one student: the others' results stay as they are, to the byte.
    grader.run("--regrade", "ben", "--regrade", "1.3", *rules)
    after = grader.kept()
    assert after["anna"] == kept["anna"]
    assert "1.3 at" in json.loads(after["ben"])["regraded"][0]
    assert json.loads(after["ben"])["items"][0] == json.loads(kept["ben"])["items"][0]


@pytest.mark.long
def test_grading_goes_on_after_ctrl_c_and_after_a_crash(
    grader: Grader, week: Week, started: Callable[..., subprocess.Popen[str]]
) -> None:
    students = ("s1", "s2")
    for student in students:
        grader.hand_in(student, week.exercises)

    first = started("-j", "1")
    wait.until(lambda: len(grader.kept()) == 1, DEADLINE)
    running = family(first)
    first.send_signal(signal.SIGINT)
    output, errors = first.communicate(timeout=DEADLINE)
    assert first.returncode == 130, output + errors
    assert "run the same command to continue" in output
    assert "Traceback" not in output + errors
    all_gone(running)
    kept = grader.kept()

    second = started("-j", "1")
    wait.until(lambda: len(workers(second)) == 1, DEADLINE)
    running = family(second)
    second.kill()
    second.communicate()
    all_gone(running)

    grades = grader.grades("-j", "1")
    assert {name: one["status"] for name, one in grades.items()} == dict.fromkeys(
        students, "graded"
    )
    after = grader.kept()
    assert {name: after[name] for name in kept} == kept
    assert len({json.loads(text)["key"]["seed"] for text in after.values()}) == 1


def test_a_grading_process_that_dies_costs_nobody_points(
    grader: Grader, week: Week, started: Callable[..., subprocess.Popen[str]]
) -> None:
    grader.hand_in("anna", week.exercises)
    process = started("-j", "1", "--json")
    wait.until(lambda: len(workers(process)) == 1, DEADLINE)
    (worker,) = workers(process)
    worker.kill()
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, output + errors
    (anna,) = json.loads(output)["students"]
    assert (anna["status"], anna["score"]) == ("graded", 0.0)
    assert "will be tried again" in errors


def test_wrong_words_are_errors_in_words(grader: Grader, week: Week, tmp_path: Path) -> None:
    grader.hand_in("anna", week.exercises)
    _, errors = grader.run("--regrade", "zoe", code=2)
    assert "no student and no item called zoe" in errors
    grader.out.mkdir()
    (grader.out / "class.json").write_text('{"week": "week02_api", "seed": 1}')
    _, errors = grader.run(code=2)
    assert "holds the grades of week02_api" in errors
    assert "Traceback" not in errors
