"""Grades a class's week for `bootcamp grade`: from a folder of submissions to pages and exports."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options, output_folder
from autograder.classroom.execution import docker
from autograder.classroom.execution.grading import Step, Task
from autograder.classroom.execution.pool import RunJobs, run_jobs
from autograder.classroom.intake.names import shown
from autograder.classroom.output.anonymous import TABLE
from autograder.classroom.output.deletion import delete_records
from autograder.classroom.output.gradebook import write_gradebook
from autograder.classroom.policy.changes import Change
from autograder.classroom.policy.similarity import alike
from autograder.classroom.policy.summary import Grade, Status
from autograder.sandbox import network
from autograder.sandbox.tiers import Tier, strongest
from bootcamp.course.manifest import points_text
from bootcamp.course.weeks import find_week
from bootcamp.errors import EXIT_GRADER_ERROR, EXIT_INTERRUPTED, UsageError
from bootcamp.files import write_atomic
from bootcamp.stack.up import stopped_by_signals

MAX_CHANGES = 40
"""Changed points that are printed."""


@dataclass(frozen=True)
class Where:
    """Where student code runs."""

    in_docker: bool = False
    unsandboxed: bool = False
    broker: str = ""
    """On the workers that listen there. Empty: on this machine."""
    key_file: Path | None = None


@dataclass(frozen=True)
class How:
    """How the submissions are graded, and what is written besides the pages."""

    processes: int
    retries: int
    where: Where
    gradebook: Path | None
    similarity: bool


def grade(week: str, options: Options, how: How, as_json: bool) -> int:
    """Grade the submissions, write pages and exports, and return the exit code."""
    console = Console(file=sys.stderr if as_json else sys.stdout, highlight=False, soft_wrap=True)
    run, processes = _pool(how, bool(options.regrade), console)
    assignment = Assignment(find_week(week), options)
    try:
        with stopped_by_signals(), assignment.held():
            for line in assignment.by_hand.report:
                console.print(Text(line))
            _run(console, assignment, run, processes, how)
            grades = assignment.grades()
            clusters = alike(assignment.week, assignment.folders()) if how.similarity else ()
            summary = assignment.publish(grades, clusters)
            if how.gradebook and not options.dry_run:
                week_, rules = assignment.week, assignment.policy
                write_gradebook(how.gradebook, week_, assignment.manifest, rules, grades)
    except KeyboardInterrupt:
        console.print("Stopped. Finished results are kept: run the same command to continue.")
        return EXIT_INTERRUPTED
    if as_json:
        print(json.dumps(summary))
    else:
        _show(console, summary, options)
    return exit_code(grades)


def _pool(how: How, regrade: bool, console: Console) -> tuple[RunJobs, int]:
    """What grades jobs, and how many it grades at once.

    Raises:
        UsageError: it cannot work: no sandbox, no Docker, no broker, or no key.
    """
    where = how.where
    if where.in_docker:
        return docker.in_docker(where.unsandboxed), how.processes
    if not where.broker:
        return partial(run_jobs, tier=tier_here(where.unsandboxed)), how.processes
    from autograder.classroom.execution import celery_app, publisher, signing

    seal = signing.read_seal(where.key_file)
    redis = celery_app.connect(where.broker)
    app = celery_app.make_app(where.broker, seal.fingerprint)

    def say(sentence: str) -> None:
        console.print(Text(f"  {sentence}", "yellow"))

    return publisher.Publisher(app, redis, seal, regrade, say), publisher.AT_ONCE


def write_hand_grades_template(week: str, options: Options, path: Path) -> None:
    """Write the table in which a person enters points. Nothing is graded.

    Raises:
        UsageError: the week has no rubric, or the file exists: somebody may have filled it in.
    """
    text = Assignment(find_week(week), options).hand_grades_template()
    if path.exists():
        raise UsageError(f"{path} exists, and is not overwritten.", "Choose another name.")
    write_atomic(path, text.encode("utf-8-sig", "replace"))  # Excel reads UTF-8 by its mark
    print(f"Fill in the columns points and comment of {path}, then enter it with --hand-grades.")


def write_for_graders(week: str, options: Options, place: Path, similarity: bool) -> None:
    """Write a folder for people who grade by hand: codes in place of names. Nothing is graded.

    Raises:
        UsageError: the folder holds something: somebody may have worked in it.
    """
    assignment = Assignment(find_week(week), options)
    with assignment.held():
        clusters = alike(assignment.week, assignment.folders()) if similarity else ()
        assignment.write_anonymous(place, clusters)
    print(f"Give {place} to the graders. Enter their table with --hand-grades {place / TABLE}.")


def delete_student(student: str, folders: list[Path]) -> None:
    """Delete a student from output folders, and say what was deleted and what is left to do.

    Raises:
        UsageError: a folder does not exist, another run has it, or nothing of the student is there.
    """
    found = []
    if wrong := [str(folder) for folder in folders if not folder.is_dir()]:
        raise UsageError(f"{', '.join(wrong)} is no folder.", "Nothing was deleted.")
    for folder in folders:
        with output_folder(folder):
            found += [str(folder / name) for name in delete_records(folder, student)]
    if not found:
        raise UsageError(
            f"Nothing of {shown(student)} is in {', '.join(map(str, folders))}.",
            "Use the id as the roster has it.",
        )
    print("Deleted, or changed to leave the student out:")
    print("\n".join(f"  {name}" for name in found))
    print(
        "Left to you: the roster, the submissions, what was sent or uploaded, folders for graders, "
        "gradebooks elsewhere, and backups. While the "
        "student is in the first two, the next `bootcamp grade` writes everything again."
    )


def exit_code(grades: tuple[Grade, ...]) -> int:
    """0, or 3 where points are not known through no fault of a student."""
    ours = (Status.GRADER_ERROR, Status.UNAVAILABLE, Status.UNREAD)
    return EXIT_GRADER_ERROR if any(one.status in ours for one in grades) else 0


def tier_here(unsandboxed: bool) -> Tier:
    """The strongest sandbox of this machine.

    Raises:
        UsageError: it is not firm enough for strangers' code, and nobody has said that it will do.
    """
    tier, private = strongest(), network.is_possible()
    if not unsandboxed and not (tier is Tier.BUBBLEWRAP and private):
        which = f"{tier}, with {'a private' if private else 'the shared'} network"
        container = "Grade in a container: --docker. Or install" if docker.is_there() else "Install"
        raise UsageError(
            f"The strongest sandbox on this machine is weak: {which}.",
            f"{container} bubblewrap (Linux) and allow user namespaces, or grade on a machine that "
            "holds nothing you would miss, with --allow-unsandboxed.",
        )
    return tier


def _run(console: Console, assignment: Assignment, run: RunJobs, processes: int, how: How) -> None:
    """Grade what has to be, under a progress bar with an estimate."""
    tasks = assignment.tasks()
    for problem in assignment.helpers():
        console.print(Text(f"  {problem}", "yellow"))
    _say_what_stays(console, assignment, tasks)
    if not tasks:
        return
    count = "1 submission" if len(tasks) == 1 else f"{len(tasks)} submissions"
    at_once = min(processes, len(tasks))
    where = "by the workers of the broker" if how.where.broker else f"{at_once} at once"
    console.print(f"Grading {count} of {assignment.week}, {where}.")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"grading {assignment.week}", total=len(tasks))
        with closing(assignment.grade(tasks, run, processes, how.retries)) as steps:
            for step in steps:
                progress.console.print(_line(step))
                if not step.again:
                    progress.advance(bar)


def _say_what_stays(console: Console, assignment: Assignment, tasks: list[Task]) -> None:
    taken = sum(1 for one in assignment.entries if one.intake and not one.intake.refused)
    if left := taken - len(tasks):
        console.print(f"{left} keep the result they have.")


def _line(step: Step) -> Text:
    """What the progress shows of a result: points, or why there are none."""
    record = step.record
    score = sum(one.score for one in record.items)
    most = sum(one.max_score for one in record.items)
    points = "" if record.unjudged else f"{points_text(score, most)}  "
    text = Text(f"{shown(record.student)}  {points}{record.seconds:.1f} s")
    if record.broken:
        what = "it will be tried again" if step.again else "run the command again"
        text.append(f"  grader broke on {_items(record.broken)}: {what}", "magenta")
    if record.unavailable:
        names = _items(record.unavailable)
        text.append(f"  this machine cannot check {names}: see its report", "magenta")
    return text


def _items(ids: tuple[str, ...]) -> str:
    return f"item{'s' if len(ids) > 1 else ''} {', '.join(ids)}"


def _show(console: Console, summary: dict[str, Any], options: Options) -> None:
    console.print(f"{summary['name']}: {summary['counts']}")
    for problem in summary["problems"]:
        console.print(Text(f"  {problem}", "yellow"))
    for student in summary["students"]:
        if student["status"] in (Status.REFUSED.value, Status.UNREAD.value):
            line = f"  {student['status']}: {shown(student['id'])}: {student['reason']}"
            console.print(Text(line, "red"))
    _show_changes(console, summary)
    if options.dry_run:
        console.print("Nothing was changed. To write this, run the command without --dry-run.")
        return
    out = options.out
    console.print(Text(f"Look at {out / 'class.html'}; points are in {out / 'scores.csv'}."))


def _show_changes(console: Console, summary: dict[str, Any]) -> None:
    """Whose points are not those of the last run."""
    changes = [Change.model_validate(one) for one in summary["changes"]]
    if changes:
        console.print(f"Changed since the last run: {len(changes)} of {len(summary['students'])}.")
    for change in changes[:MAX_CHANGES]:
        console.print(Text(f"  {change.text}"))
    if len(changes) > MAX_CHANGES:
        console.print(f"  and {len(changes) - MAX_CHANGES} more: `--json` lists all")
