"""What one submission does to the machine costs its neighbours nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.classroom.execution.grading import Step, Task, grade_all
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.records import ItemRecord, Key, Results
from autograder.run.referee import postpone
from autograder.run.results import ItemResult, WeekResult
from autograder.run.runner import run_week
from autograder.sandbox import resource_watch, share
from autograder.sandbox.resource_watch import Crowd
from autograder.sandbox.tiers import Sandbox, Tier, strongest
from bootcamp import bounds
from bootcamp.course.manifest import load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import find_week
from tests.parts import missing

from .conftest import WEEK, Course

HOGS, HOG_SECONDS, WORK_SECONDS = 100, 4.0, 1.5
LEAST_SHARE = 0.15
"""Of a processor, for one process beside a hundred of one neighbour; without groups it is 0.02."""
GROUP_BYTES = 256 * bounds.MIB
_SPAWN = multiprocessing.get_context("spawn")


def hog() -> None:
    """A hundred processes that do nothing but turn."""
    share.enter_own_share()
    children = []
    for _ in range(HOGS):
        if (pid := os.fork()) == 0:
            ends = time.monotonic() + HOG_SECONDS
            while time.monotonic() < ends:
                pass
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)


@pytest.mark.long
def test_a_hundred_processes_have_the_share_of_one() -> None:
    if not list(share.places()):
        missing("no control groups can be made on this machine")
    process = _SPAWN.Process(target=hog)
    honest = _SPAWN.Queue()
    worker = _SPAWN.Process(target=work, args=(honest,))
    process.start()
    worker.start()
    used = honest.get(timeout=60)
    for one in (process, worker):
        one.join()
        share.remove_empty(one.pid or 0)
    assert used > LEAST_SHARE * WORK_SECONDS
    names = {f"{share.PREFIX}{one.pid}" for one in (process, worker)}
    assert not [one for place in share.places() for one in place.iterdir() if one.name in names]


def work(answers: multiprocessing.Queue[float]) -> None:
    """Turn for a time that the clock measures, and tell how much of it a processor was ours."""
    share.enter_own_share()
    time.sleep(1.0)  # until the others turn
    ends = time.monotonic() + WORK_SECONDS
    before = time.process_time()
    while time.monotonic() < ends:
        pass
    answers.put(time.process_time() - before)


def fill(limit: int, ended: multiprocessing.Queue[int]) -> None:
    """A process in the submission's half takes twice the memory that the half may take."""
    share.LIMITS["memory"] = dict.fromkeys(share.LIMITS["memory"], limit)
    share.enter_own_share()
    words = [sys.executable, "-c", f"len(b'x' * {2 * limit})"]
    sandbox = Sandbox(groups=share.of_submission())
    done = subprocess.run([*sandbox.joining(), *words], check=False)
    ended.put(done.returncode)


def test_the_kernel_ends_what_takes_too_much_memory() -> None:
    if not list(share.places("memory")):
        missing("no control groups for memory can be made on this machine")
    ended = _SPAWN.Queue()
    process = _SPAWN.Process(target=fill, args=(GROUP_BYTES, ended))
    process.start()
    code = ended.get(timeout=60)
    process.join()
    share.remove_empty(process.pid or 0)
    assert code == -signal.SIGKILL


def test_nothing_runs_outside_of_a_group_that_it_cannot_join(tmp_path: Path) -> None:
    sandbox = Sandbox(groups=(tmp_path / "gone" / "cgroup.procs",))
    done = subprocess.run([*sandbox.joining(), "echo", "free"], check=False, capture_output=True)
    assert done.returncode != 0
    assert not done.stdout


@pytest.mark.parametrize(
    ("cgroup", "mounts", "divided", "place"),
    [
        ("3:cpu,cpuacct:/a/b\n0::/\n", "cgroup {} cgroup rw,cpu,cpuacct 0 0\n", "", "a/b"),
        ("3:cpu:/bootcamp-12\n", "cgroup {} cgroup rw,cpu 0 0\n", "", ""),
        ("0::/\n", "cgroup2 {} cgroup2 rw 0 0\n", "cpu memory", ""),
        ("0::/a/b\n", "cgroup2 {} cgroup2 rw 0 0\n", "cpu", "a"),
        ("3:cpu:/a/bootcamp-12/graders\n", "cgroup {} cgroup rw,cpu 0 0\n", "", "a"),
        ("0::/a/bootcamp-12/graders\n", "cgroup2 {} cgroup2 rw 0 0\n", "cpu", "a"),
        ("0::/a/b\n", "cgroup2 {} cgroup2 rw 0 0\n", "memory", None),
        ("4:memory:/\n", "cgroup {} cgroup rw,memory 0 0\n", "", None),
    ],
)
def test_where_groups_can_be_made(
    tmp_path: Path, cgroup: str, mounts: str, divided: str, place: str | None
) -> None:
    """In both versions of control groups, from what Linux says of them."""
    (proc := tmp_path / "self").mkdir()
    (proc / "cgroup").write_text(cgroup)
    root = tmp_path / "fs"
    (root / "a/b").mkdir(parents=True)
    (proc / "mounts").write_text(mounts.format(root))
    for group in (root, root / "a"):
        (group / "cgroup.subtree_control").write_text(divided)
    found = list(share.places(proc=tmp_path))
    assert found == ([] if place is None else [root / place])


def test_a_submission_with_too_many_processes_is_ended(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    if strongest() is Tier.LIMITS:
        missing("nobody watches a submission here: no sandbox works on this machine")
    monkeypatch.setattr(bounds, "MAX_FAMILY_PROCESSES", 20)
    course.hand_in(
        "import os, time\n\n\ndef double(number):\n"
        "    for _ in range(40):\n        if os.fork() == 0:\n            time.sleep(60)\n"
        "    time.sleep(60)\n"
    )
    result = run_week(WEEK, course.submission, stack=course.stack, tier=strongest(), referee=True)
    first = result.items[0]
    assert first.outcome is Outcome.FAILED
    assert first.card is not None and "more than 20 processes at once" in first.card.text()
    assert any("more than 20 processes" in flag for flag in result.flags)


def test_a_process_that_a_signal_ends_is_told(course: Course) -> None:
    course.hand_in("import os\n\n\ndef double(number):\n    os.kill(os.getpid(), 11)\n")
    result = course.check()
    assert result.items[0].outcome is Outcome.FAILED
    assert result.flags == ("student-caller ended by SIGSEGV, which no grader sent",)


def test_a_right_one_has_no_flags(course: Course) -> None:
    assert not course.check().flags


def test_a_crowd_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    assert not crowd.too_large
    monkeypatch.setattr(resource_watch, "CROWDED", 0.0)
    assert crowd.look() == ""
    assert crowd.too_large  # this process wants to run, at least
    crowd.clear()
    assert not crowd.too_large


def test_a_failure_in_time_and_one_alone_count(course: Course) -> None:
    """Late in a crowd is postponed, with what builds on it. All else stays as it is."""
    items = load_manifest(WEEK).items
    late = ItemResult(items[0], Outcome.FAILED, None, 1.0, late=True, crowded=True)
    skipped = ItemResult(items[1], Outcome.SKIPPED, None, 0.0)
    found = postpone(WeekResult(WEEK, (late, skipped), 1))
    assert [one.outcome for one in found.items] == [Outcome.GRADER_ERROR] * 2
    for one in (replace(late, crowded=False), replace(late, late=False)):
        result = WeekResult(WEEK, (one, skipped), 1)
        assert postpone(result) == result


Run = Callable[[Iterable[Job], int], Generator[tuple[Job, Answer], None, None]]


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("starved_alone", [False, True])
def test_a_neighbour_that_was_starved_is_graded_again_alone(
    tmp_path: Path, retries: int, starved_alone: bool
) -> None:
    week = find_week("1")
    manifest = load_manifest(week)
    ran: list[tuple[str, tuple[str, ...], int, bool]] = []

    def run(jobs: Iterable[Job], processes: int) -> Generator[tuple[Job, Answer], None, None]:
        for job in jobs:
            ran.append((job.student, job.items, processes, job.alone))
            starved = job.student == "ben" and (starved_alone or not job.alone)
            lost = {"1.3": Outcome.GRADER_ERROR} if starved else {}
            items = tuple(
                ItemRecord(
                    id=item.id, title=item.title, outcome=lost.get(item.id, Outcome.PASSED),
                    score=0 if item.id in lost else item.points, max_score=item.points, seconds=1.0,
                )
                for item in manifest.items
                if item.id in job.items
            )  # fmt: skip
            yield job, Answer(items, crowded=("1.3",) if starved and not job.alone else ())

    every = tuple(item.id for item in manifest.items)
    key = Key(submission="x", seed=1)
    tasks = [Task(name, tmp_path, key, "graders", every) for name in ("anna", "ben")]
    results = Results(tmp_path / "results")
    steps: list[Step] = list(grade_all(tasks, week, results, run, 2, retries))
    assert [(step.record.student, step.again) for step in steps] == [
        ("anna", False),
        ("ben", True),
        ("ben", False),
    ]
    assert ran[2] == ("ben", ("1.1", "1.2", "1.3"), 1, True)
    assert ran[0] == ("anna", every, 2, False)
    ben = results.load("ben")
    assert ben is not None
    assert ben.broken == (("1.3",) if starved_alone else ())
    assert any("graded again alone" in flag for flag in ben.flags)
