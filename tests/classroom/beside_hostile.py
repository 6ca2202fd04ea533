"""What hostile submissions cost the others: a class of thirty, and the same with twenty hostile ones.

    python -m tests.classroom.beside_hostile DIR [--week 3] [--hostile 20] [--jobs 2] [--json]

Both classes are graded in one go, one after the other, and compared with what each student must be given.
It prints how long each run took, and how much memory the machine used more than before. The figures count
only on a machine that does nothing else.

Exit code: 1 if somebody is given other points, the grader broke, or the honest ones waited too long.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from autograder.classroom.execution.records import Results
from bootcamp import paths
from bootcamp.course.weeks import find_week
from tests.classroom.mixed import KINDS, MixedClass, differences

MOST_TIMES = 1.5
"""How much longer the honest ones may wait, apart from the time that the hostile ones take."""
LOOK_SECONDS = 0.25
MIB = 1024**2


@dataclass(frozen=True)
class Measured:
    """What one run came to.

    Args:
        seconds: the whole run.
        memory_mib: the most that the machine used more than before, with files in memory.
        hostile_seconds: what the checks of the added submissions took, all together.
        problems: where a student was given something else.
    """

    students: int
    seconds: float
    memory_mib: int
    hostile_seconds: float
    problems: list[str]


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """The most memory in use while the block runs, in bytes more than before."""
    before, seen, over = psutil.virtual_memory().available, [0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen[0] = max(seen[0], before - psutil.virtual_memory().available)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def measure(folder: Path, week: str, more: int, jobs: int) -> Measured:
    """Grade thirty, and as many more hostile ones."""
    kinds = KINDS | {"hostile": KINDS["hostile"] + more}
    mixed = MixedClass(folder, find_week(week), kinds)
    expected = {student: asdict(one) for student, one in mixed.make().items()}
    command = [sys.executable, "-m", "bootcamp", "grade", str(mixed.submissions), "--week", week]
    command += ["--roster", str(mixed.roster), "--policy", str(mixed.policy)]
    command += ["--out", str(folder / "grades"), "-j", str(jobs), "--json"]
    env = {**os.environ, "BOOTCAMP_STATE": str(folder / "state")}
    began = time.monotonic()
    with most_memory() as seen:
        done = subprocess.run(
            command, check=False, cwd=paths.ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
    took = time.monotonic() - began
    problems = [f"exit code {done.returncode}"] if done.returncode else []
    problems += differences(expected, json.loads(done.stdout)) if done.stdout else ["no grades"]
    added = {f"hostile{number + 1}" for number in range(KINDS["hostile"], kinds["hostile"])}
    records = [Results(folder / "grades" / "results").load(student) for student in added]
    spent = sum(one.seconds for one in records if one)
    return Measured(len(expected), took, seen[0] // MIB, spent, problems)


def main() -> int:
    """Grade both classes, and print the table."""
    parser = argparse.ArgumentParser(description="What hostile submissions cost the others.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--week", default="3")
    parser.add_argument("--hostile", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    alone = measure(chosen.folder / "alone", chosen.week, 0, chosen.jobs)
    beside = measure(chosen.folder / "beside", chosen.week, chosen.hostile, chosen.jobs)
    waited = beside.seconds - beside.hostile_seconds / chosen.jobs
    times = waited / alone.seconds
    if chosen.json:
        print(json.dumps({"alone": asdict(alone), "beside": asdict(beside), "times": times}))
    else:
        for one in (alone, beside):
            print(f"{one.students} submissions: {one.seconds:.0f} s, {one.memory_mib:,} MiB more")
            print("\n".join(one.problems) or "everybody was given what they must be")
        print(f"the added ones took {beside.hostile_seconds:.0f} s of {chosen.jobs} processes")
        print(f"the others: {times:.2f} times as long (at most {MOST_TIMES})")
    return 1 if alone.problems or beside.problems or times > MOST_TIMES else 0


if __name__ == "__main__":
    raise SystemExit(main())
