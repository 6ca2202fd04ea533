"""A class of sixty, mixed from every shape of export. With real graders, on one machine and over workers:

    python -m tests.classroom.sixty DIR [--week 1] [--jobs 2]

It grades the class with the local pool, and then over two workers, of which one is killed in the middle and
replaced. Exit code: 1 if somebody is given anything else.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autograder.bench.local_workers import LocalWorkers
from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.pool import RunJobs, run_jobs
from autograder.classroom.execution.publisher import AT_ONCE
from autograder.sandbox.tiers import strongest
from autograder.validation.variants import build, load_variants
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, find_week
from tests.classroom.test_exported_submissions import flat, zipped
from tests.classroom.test_intake_git import git

STUDENTS = 60
SHAPES = (
    "{name}_{n}_assignsubmission_file/homework.zip",  # Moodle
    "{name}_{n}_assignsubmission_file_homework.zip",
    "{last}{first}_{n}_77{n}_homework.zip",  # Canvas
    "{last}{first}_LATE_{n}_77{n}_homework-2.zip",
    "Homework 1_{id}_attempt_2026-11-27-21-04-05_homework.zip",  # Blackboard
    "{n}-67890 - {name} - Nov 27, 2026 904 PM/homework.zip",  # Brightspace
    "{last}, {first}({id})/Submission attachment(s)/homework.zip",  # Sakai
    "{last}, {first}/homework.zip",
    "{id}/some/where/homework.zip",
    "{id}@example.org.zip",
    "loose {last}{first}_{n}_77{n}_",  # loose files, as Canvas has them
    "loose {name}_{n}_assignsubmission_file_",
    "loose {id}/week 1/",
    "windows {id}.zip",  # backslashes in the archive's names
    "mac {name}",  # NFD
    "repository {id}",
    "mapped final version ({n})",
    "group team {n}",
    "hostile {id}.zip",
    "missing",
)
"""Three students of each. The words in front are explained by `hand_in`."""
POLICY = """commit = "last_before_due"
due = 2099-11-27T23:59:00Z  # after all that a test does
[late]
percent_per_day = 10
free_days = 3
free_days_folder = "late_days"
"""
SEED = 4711
VISIBILITY_SECONDS = 120
"""Longer than the longest check, so that only what a killed worker had is delivered again."""
KINDS = ("loose", "windows", "mac", "repository", "mapped", "group", "hostile", "missing")


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


class Sixty:
    """Hands in for sixty students, and writes roster, mapping and policy.

    Args:
        root: the folder that gets all of it.
        homework: the files of a student, by number. Each gets a comment that no other has.
    """

    def __init__(self, root: Path, homework: Callable[[int], Mapping[str, bytes]]) -> None:
        self.root, self._homework = root, homework
        self.roster: list[list[str]] = [
            ["id", "name", "email", "section", "group", "repository", "bonus"]
        ]
        self.mapping: list[list[str]] = [["submission", "student"]]
        for number in range(STUDENTS):
            self._hand_in(number, SHAPES[number % len(SHAPES)])
        for name, rows in (("roster", self.roster), ("mapping", self.mapping)):
            text = io.StringIO(newline="")
            csv.writer(text).writerows(rows)
            (root / f"{name}.csv").write_text(text.getvalue())
        (root / "policy.toml").write_text(POLICY)

    def _hand_in(self, number: int, shape: str) -> None:
        first, last, student = (
            "Zoé",
            f"Nr{chr(97 + number // 26)}{chr(97 + number % 26)}",
            f"s{number:02}",
        )
        facts = {
            "name": f"{first} {last}",
            "first": first.lower(),
            "last": last,
            "id": student,
            "n": str(number),
        }
        kind, _, rest = shape.partition(" ") if shape.split(" ", 1)[0] in KINDS else ("", "", shape)
        name = (rest or kind).format(**facts)
        group = f"team {number % 20 // 2}" if kind == "group" else ""
        bonus = "1" if number == 0 else ""
        row = [student, facts["name"], f"{student}@example.org", "AB"[number % 2], group, "", bonus]
        self.roster.append(row)
        files = dict(self._homework(number))
        files["pipeline/producer.py"] += f"\n# {number}\n".encode()
        if kind == "missing":
            return
        if kind == "loose":
            self._write(flat(files, name))
        elif kind == "windows":
            self._write(
                {name: zipped({path.replace("/", "\\"): text for path, text in files.items()})}
            )
        elif kind == "hostile":
            self._write({name: zipped({**files, "../../outside.py": b"x"})})
        elif kind == "repository":
            repo = self.root / "repositories" / student
            put(repo, files)
            for words in (
                ("init", "--quiet", "--initial-branch=main"),
                ("add", "."),
                ("commit", "-qm", "x"),
            ):
                git(repo, *words)
            row[5] = str(repo)
        elif kind in ("mac", "mapped", "group"):
            shown = unicodedata.normalize("NFD", name)
            if kind == "group":  # one of them hands in for all
                shown = group
                if number >= len(SHAPES):
                    return
            self._write({f"{shown}/{path}": text for path, text in files.items()})
            if kind == "mapped":
                self.mapping.append([name, student])
        else:
            self._write({name: zipped(files)})

    def _write(self, files: dict[str, bytes]) -> None:
        put(self.root / "submissions", files)

    def options(self, out: Path, seed: int | None = None) -> Options:
        """What an instructor asks for: everything that was written, graded into `out`."""
        return Options(
            self.root / "submissions", out, self.root / "roster.csv", self.root / "policy.toml",
            mapping=self.root / "mapping.csv", seed=seed,
        )  # fmt: skip


def mixed_homework(week: Week) -> Callable[[int], Mapping[str, bytes]]:
    """The reference for every third student; for the others the known solutions, one after another."""
    files = [str(file) for file in load_manifest(week).files]
    right = {name: (week.solutions / name).read_bytes() for name in files}
    variants = list(load_variants(week))
    step = max(1, len(variants) // STUDENTS)

    def homework(number: int) -> Mapping[str, bytes]:
        if number % 3 == 0:
            return right
        variant = variants[number * step % len(variants)]
        with tempfile.TemporaryDirectory() as name:
            made = Path(name) / "made"
            build(variant, made)
            return {one: (made / one).read_bytes() for one in files if (made / one).is_file()}

    return homework


@dataclass(frozen=True)
class Graded:
    """One way of grading the class.

    Args:
        records: what each record says that does not depend on who graded, and when.
        summary: points and status by student.
        broken: items with a grader error.
    """

    seconds: float
    records: dict[str, Any]
    summary: dict[str, Any]
    broken: list[str]


def grade(
    week: Week, options: Options, run: RunJobs, processes: int, middle: Callable[[], object]
) -> Graded:
    """Grade the class, and call `middle` when half of the submissions are through."""
    started = time.monotonic()
    assignment = Assignment(week, options)
    with assignment.held():
        tasks = assignment.tasks()
        steps = assignment.grade(tasks, run, processes, 1)
        with closing(steps):
            for number, step in enumerate(steps, 1):
                print(f"{number}/{len(tasks)} {step.record.student}", flush=True)
                if number == len(tasks) // 2:
                    middle()
        summary = assignment.publish(assignment.grades())
    records, broken = {}, []
    for path in assignment.results.folder.glob("*.json"):
        record = json.loads(path.read_bytes())
        items = [(one["id"], one["outcome"], one["score"]) for one in record["items"]]
        records[record["student"]] = (record["key"], items)
        broken += [f"{record['student']} {one[0]}" for one in items if one[1] == "grader_error"]
    facts = ("status", "score", "percent")
    people = {one["id"]: {key: one.get(key) for key in facts} for one in summary["students"]}
    return Graded(time.monotonic() - started, records, people, broken)


def over_two_workers(week: Week, options: Options, folder: Path) -> Graded:
    """Grade over two workers. One is killed when half is through, and another one takes its place."""
    with LocalWorkers(folder, VISIBILITY_SECONDS) as local:
        victim = local.start()
        local.start()

        def replace() -> None:
            print("one worker is killed, another one starts", flush=True)
            victim.kill()
            local.start()

        return grade(week, options, local.publisher(), AT_ONCE, replace)


def main() -> int:
    """Grade the class both ways, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--week", default="1")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    week, folder = find_week(chosen.week), chosen.folder
    folder.mkdir(parents=True, exist_ok=True)
    sixty = Sixty(folder, mixed_homework(week))
    pool = partial(run_jobs, tier=strongest())
    near = grade(week, sixty.options(folder / "near", SEED), pool, chosen.jobs, lambda: None)
    far = over_two_workers(week, sixty.options(folder / "far", SEED), folder / "broker")
    for name, one in (("local pool", near), ("two workers, one killed", far)):
        print(
            f"{name}: {len(one.records)} graded in {one.seconds:.0f} s, grader errors: {one.broken}"
        )
    other = [name for name in near.records if near.records[name] != far.records.get(name)]
    points = [name for name in near.summary if near.summary[name] != far.summary[name]]
    print(f"other records: {other or 'none'}; other points: {points or 'none'}")
    return 1 if other or points or near.broken or far.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
