"""A new student's path through the student edition: one test, for each week.

Clone, set-up, the programs of the lessons, the notebook, hints, check, watch, progress, and the next
release with `git pull`. `make test` walks the first week, and `make validate` walks every week.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from bootcamp.authoring.edition_pages import check_pages
from bootcamp.authoring.pages import Page
from bootcamp.authoring.release import release
from bootcamp.authoring.transcripts import PROGRAM_SECONDS, steps
from bootcamp.course import packed_hints
from bootcamp.course.hints import ladders
from bootcamp.course.manifest import Item, load_manifest
from bootcamp.course.weeks import Week, all_weeks, find_week
from bootcamp.errors import BootcampError
from bootcamp.stack import Stack

WEEKS = all_weeks()
UNWRITTEN_SECONDS = 30
"""A program that needs unwritten code ends in 1 s on an idle machine."""
WATCH_SECONDS = 300
walked = [
    pytest.param(week, marks=() if week == WEEKS[0] else pytest.mark.validation, id=str(week))
    for week in WEEKS
]


def environment(clone: Path, stack: Stack) -> dict[str, str]:
    """What a student's shell has, with the stack of this test session."""
    state = clone / ".bootcamp"
    state.mkdir(exist_ok=True)
    if not (state / "stack").exists():
        (state / "stack").symlink_to(stack.path)
    return {**os.environ, "PYTHONPATH": str(clone), "BOOTCAMP_STATE": str(state)}


class Student:
    """One clone of the edition, and what a student does in it."""

    def __init__(self, origin: Path, folder: Path, stack: Stack) -> None:
        self.folder = folder
        self.git("clone", "--quiet", str(origin), str(folder), where=origin)
        self._env = environment(folder, stack)

    def git(self, *words: str, where: Path | None = None) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", "-C", str(where or self.folder), *identity, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(
        self, *words: str, seconds: float = PROGRAM_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def bootcamp(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "bootcamp", *words)

    def next_step(self) -> str:
        done = self.bootcamp("progress", "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["next"])

    def do_homework(self, week: Week) -> None:
        for file in load_manifest(week).files:
            shutil.copy(week.solutions / file, self.folder / "exercises" / week.name / file)

    def watch_until(self, text: str, week: Week) -> str:
        """Run `bootcamp watch` until its screen shows `text`, then press Ctrl-C."""
        log = self.folder / ".bootcamp" / "watch.log"
        with log.open("w") as screen:
            watch = subprocess.Popen(
                [sys.executable, "-m", "bootcamp", "watch", str(week.number)],
                cwd=self.folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
            )
            try:
                end = time.monotonic() + WATCH_SECONDS
                while text not in log.read_text() and time.monotonic() < end:
                    assert watch.poll() is None, log.read_text()
                    time.sleep(0.2)
            finally:
                watch.send_signal(signal.SIGINT)
                watch.wait(60)
        return log.read_text()

    def pull(self) -> None:
        """Fetch the next week, with what `make setup` sets for this repository."""
        makefile = (self.folder / "Makefile").read_text()
        settings = re.findall(r"^\t[-@]*(git config .*)$", makefile, re.MULTILINE)
        assert settings
        for line in settings:
            subprocess.run(["sh", "-ec", line], cwd=self.folder, check=True)
        self.git("pull")


def commands(folder: Path, week: Week) -> Iterator[str]:
    """The programs that the pages of a week tell a student to run."""
    for page in sorted((folder / "lessons" / week.name).glob("*.md")):
        for block in Page.read(page).blocks("console"):
            yield from (step.command for step in steps(block.text) if step.is_program)


def needs_own_code(folder: Path, command: str) -> bool:
    program = shlex.split(command)[1]
    return "lesson_layers" in (folder / program).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def all_open(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An edition of all weeks in which no solution is released."""
    out = tmp_path_factory.mktemp("open") / "course"
    release(WEEKS[-1], None, out)
    return out


@pytest.mark.parametrize("week", walked)
def test_the_path_of_a_new_student(
    week: Week, stack: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    origin = tmp_path / "course"
    closed = max((one for one in WEEKS if one < week), default=None)
    release(week, closed, origin)
    student = Student(origin, tmp_path / "mine", stack)
    doctor = student.bootcamp("doctor")
    assert "Traceback" not in doctor.stdout + doctor.stderr
    programs = list(dict.fromkeys(commands(student.folder, week)))
    # In `make test` one program stands for all: tests/lessons runs every one of them.
    for command in programs if request.config.getoption("--all-validation") else programs[:1]:
        done = student.python(*shlex.split(command)[1:])
        unwritten = needs_own_code(student.folder, command) and "not written yet" in done.stderr
        assert done.returncode == 0 or unwritten, command + done.stderr
    solve_notebook(student.folder, week)
    check_the_refusals(student, week)
    before = json.loads(student.bootcamp("check", str(week.number), "--json").stdout)
    assert before["score"] == 0
    student.do_homework(week)
    assert "All green" in student.watch_until("All green", week)
    after = student.bootcamp("check", str(week.number), "--json")
    assert after.returncode == 0, after.stdout + after.stderr
    student.git("add", "exercises", "notebooks")
    student.git("commit", "--quiet", "-m", "My work")
    newer = next((one for one in WEEKS if one > week), week)
    release(newer, week, origin)
    student.pull()
    if newer > week:
        assert student.next_step().startswith(f"Start week {newer.number}:")
    shown = student.bootcamp("solution", load_manifest(week).items[-1].id)
    assert shown.returncode == 0 and "solutions" in shown.stdout, shown.stderr
    assert not student.git("status", "--porcelain")


def solve_notebook(folder: Path, week: Week) -> None:
    """Find the notebook by the homework page, put the right answers in, and run every cell."""
    name = f"notebooks/{week}/check.ipynb"
    assert name in (folder / "exercises" / week.name / "README.md").read_text(encoding="utf-8")
    notebook = nbformat.read(folder / name, as_version=4)
    answers = {cell.id: cell for cell in nbformat.read(week.graded_notebook, as_version=4).cells}
    namespace: dict[str, object] = {"__name__": "__main__"}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution"):
            by_hand = marks.get("grade")  # a text that a teacher grades
            assert ("YOUR ANSWER HERE" if by_hand else "raise NotImplementedError()") in cell.source
            cell.source = answers[cell.id].source
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec", dont_inherit=True), namespace)  # noqa: S102


def check_the_refusals(student: Student, week: Week) -> None:
    """The solution of an open week: the command says what the homework page says."""
    item = load_manifest(week).items[-1].id
    refused = student.bootcamp("solution", item)
    assert refused.returncode == 1
    assert "comes when your course closes the week" in refused.stderr
    assert "git pull" in refused.stderr
    page = (student.folder / "exercises" / week.name / "README.md").read_text(encoding="utf-8")
    assert "The solution comes with `git pull` when your course closes the week." in page
    up = student.bootcamp("up", str(week.number), "--layers", "reference")
    assert up.returncode == 2 and "is open" in up.stderr


def test_programs_that_need_unwritten_code_end_at_once(
    all_open: Path, stack: Stack, tmp_path: Path
) -> None:
    student = Student(all_open, tmp_path / "mine", stack)
    found = [
        command
        for week in WEEKS
        for command in dict.fromkeys(commands(all_open, week))
        if needs_own_code(all_open, command)
    ]
    assert len(found) >= 4
    for command in found:
        done = student.python(*shlex.split(command)[1:], seconds=UNWRITTEN_SECONDS)
        assert done.returncode == 1, command
        assert "This program runs your own code, and item" in done.stderr, done.stderr
        assert "not written yet" in done.stderr and "bootcamp check" in done.stderr
        assert "Traceback" not in done.stderr


def test_every_program_on_the_pipeline_asks_for_its_layers() -> None:
    """The kind has one home: only `lesson_layers` gives a program layers of an open week."""
    allowed = "kinds.py"  # the function that it shows is given
    for week in WEEKS:
        for program in (week.lessons / "code").glob("*.py"):
            text = program.read_text(encoding="utf-8")
            if program.name != allowed:
                assert "reference_layers" not in text and "student_layers" not in text, program


def test_no_hint_lies_open_and_every_hint_is_shown(
    all_open: Path, stack: Stack, tmp_path: Path
) -> None:
    files = [path for path in all_open.rglob("*") if path.is_file() and ".git" not in path.parts]
    texts = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    for week in WEEKS:
        assert not (all_open / "autograder" / week.name / "hints").exists()
        for item in load_manifest(week).items:
            for answer in last_steps(week, item):
                assert answer not in texts, f"the answer of {item.id} lies open"
    student = Student(all_open, tmp_path / "mine", stack)
    for number in ("1", "5"):
        week = find_week(number)
        item = load_manifest(week).items[-1]
        ladder = ladders(week, item)[0]
        shown = student.bootcamp("hint", item.id, ladder.function, "--all")
        assert shown.returncode == 0, shown.stderr
        assert f"hint {len(ladder.hints)} of {len(ladder.hints)}" in shown.stdout
        assert "The solution comes when your course closes the week" in " ".join(
            shown.stdout.split()
        )


def last_steps(week: Week, item: Item) -> list[str]:
    return [ladder.hints[-1].text for ladder in ladders(week, item)]


def test_a_damaged_file_of_hints_says_how_to_get_it_back(
    all_open: Path, stack: Stack, tmp_path: Path
) -> None:
    student = Student(all_open, tmp_path / "mine", stack)
    week = find_week("5")
    (student.folder / "autograder" / week.name / packed_hints.FILE).write_text("half a fi")
    done = student.bootcamp("hint", "5.1")
    assert done.returncode == 3
    assert "is damaged" in done.stderr and "git checkout -- " in done.stderr


@pytest.mark.parametrize(
    "page",
    [
        "[next](02_gone.md)",
        "```python file=lessons/code/gone.py#main\nx = 1\n```",
        "```python file=lessons/code/here.py#gone\nx = 1\n```",
        "```python file=lessons/code/here.py#x\nx = 2\n```",
        "Read `tests/lessons/test_snippets.py`.",
    ],
)
def test_a_page_that_names_what_the_edition_lacks_stops_the_release(page: str) -> None:
    files = {"lessons/README.md": page.encode(), "lessons/code/here.py": b"x = 1\n"}
    with pytest.raises(BootcampError, match=r"lessons/README\.md names "):
        check_pages(files)


def test_a_page_that_names_what_is_there_passes() -> None:
    page = b"[a](code/here.py)\n\n```python file=lessons/code/here.py#x\nx = 1\n```\n`lessons/code`"
    check_pages({"lessons/README.md": page, "lessons/code/here.py": b"x = 1\n"})
