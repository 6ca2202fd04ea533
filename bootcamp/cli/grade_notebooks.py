"""Grades a class's notebooks for `bootcamp grade --notebooks`: nbgrader, with kernels in a sandbox."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from autograder.classroom.entry import Options, output_folder
from autograder.classroom.intake.mapping import load_mapping
from autograder.classroom.intake.matching import Match, match
from autograder.classroom.intake.names import cell, file_stem, shown
from autograder.classroom.intake.notebooks import NOTEBOOK, take_notebook
from autograder.classroom.intake.roster import load_roster
from autograder.classroom.intake.sources import find
from autograder.classroom.intake.trees import Refused
from autograder.classroom.notebooks import grading
from autograder.classroom.notebooks.course import Course
from autograder.classroom.policy.late import load_policy
from autograder.classroom.policy.summary import Status
from autograder.sandbox.tiers import Tier
from bootcamp.course.manifest import load_manifest, points_text
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import EXIT_GRADER_ERROR, EXIT_INTERRUPTED, UsageError
from bootcamp.files import write_atomic
from bootcamp.stack.up import stopped_by_signals


@dataclass
class Line:
    """What became of one student's notebook."""

    student: str
    name: str
    status: Status
    reason: str = ""
    content: bytes = b""
    score: grading.Score | None = None

    def to_json(self) -> dict[str, Any]:
        """A line of `notebooks.json`. Points are null where there is nothing to record."""
        score = self.score
        return {
            "id": self.student,
            "name": self.name,
            "status": self.status.value,
            "reason": self.reason,
            "score": score.score if score else None,
            "max_score": score.max_score if score else None,
            "to_grade_by_hand": score.by_hand if score else None,
            "cells": dict(score.cells) if score else {},
        }


def grade(week: str, options: Options, gradebook: Path | None, tier: Tier, as_json: bool) -> int:
    """Grade the notebooks, write the tables, and return the exit code."""
    console = Console(file=sys.stderr if as_json else sys.stdout, highlight=False, soft_wrap=True)
    course = Course(options.out, find_week(week))
    book = gradebook or course.gradebook
    try:
        with stopped_by_signals(), output_folder(options.out):
            lines, problems = _take(course, options)
            grading.prepare(course, book)
            _run(console, course, book, lines, frozenset(options.regrade), tier)
            known = grading.scores(book, course.week.name, [one.student for one in lines])
            for line in lines:
                if line.status is Status.GRADED:
                    line.score = known.get(line.student)
            summary = _publish(course, lines, problems)
    except KeyboardInterrupt:
        console.print("Stopped. Finished results are kept: run the same command to continue.")
        return EXIT_INTERRUPTED
    if as_json:
        print(json.dumps(summary))
    else:
        _show(console, course, lines, problems)
    ours = (Status.GRADER_ERROR, Status.UNREAD)
    return EXIT_GRADER_ERROR if any(one.status in ours for one in lines) else 0


def _take(course: Course, options: Options) -> tuple[list[Line], tuple[str, ...]]:
    """Every student's notebook, stored where nbgrader looks for it, and what the instructor should
    look at.
    """
    week = course.week
    policy = load_policy(options.policy, [item.id for item in load_manifest(week).items])
    roster = load_roster(options.roster, policy.zone) if options.roster else None
    mapping = load_mapping(options.mapping, roster)
    found = find(options.submissions, week, policy.zone, options.revision)
    matched = match(roster, found, mapping)
    lines = [_taken(course, one) for one in matched.matches]
    known = {one.student for one in lines}
    if unknown := sorted(set(options.regrade) - known):
        raise UsageError(f"There is no student called {', '.join(unknown)}.")
    return lines, matched.problems


def _taken(course: Course, one: Match) -> Line:
    # nbgrader uses the id as the name of a folder
    student, name = file_stem(one.student.id), one.student.name
    if one.hand_in is None:
        _drop(course, student)
        return Line(student, name, Status.MISSING, one.problem)
    intake = one.hand_in.read(course.week, take_notebook)
    if intake.empty:
        _drop(course, student)
        return Line(student, name, Status.MISSING, intake.refused)
    if intake.unread:
        return Line(student, name, Status.UNREAD, intake.refused)
    try:
        if intake.refused:
            raise Refused(intake.refused)
        content = intake.files[NOTEBOOK]
        moment = one.student.submitted or one.hand_in.submitted or intake.modified
        course.hand_in(student, content, moment)
    except Refused as reason:
        _drop(course, student)
        return Line(student, name, Status.REFUSED, shown(str(reason), 600))
    return Line(student, name, Status.GRADED, content=content)


def _drop(course: Course, student: str) -> None:
    course.withdraw(student)
    grading.remove_result(course, student)


def _run(
    console: Console,
    course: Course,
    gradebook: Path,
    lines: list[Line],
    again: frozenset[str],
    tier: Tier,
) -> None:
    """Run what has no result yet, under a progress bar with an estimate."""
    by_student = {one.student: one for one in lines if one.status is Status.GRADED}
    contents = {student: one.content for student, one in by_student.items()}
    todo = grading.pending(course, contents, again)
    if kept := len(contents) - len(todo):
        console.print(f"{kept} keep the result they have.")
    if not todo:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(f"notebooks of {course.week}", total=len(todo))
        wanted = {student: contents[student] for student in todo}
        for done in grading.grade(course, gradebook, wanted, tier):
            if done.problem:
                line = by_student[done.student]
                line.status, line.reason = Status.GRADER_ERROR, shown(done.problem, 600)
            progress.advance(bar)


def _publish(course: Course, lines: list[Line], problems: tuple[str, ...]) -> dict[str, Any]:
    """Write `notebooks.json` and `notebooks.csv`. Returns what the first one holds."""
    summary = {
        "week": course.week.number,
        "name": course.week.name,
        "problems": list(problems),
        "students": [one.to_json() for one in lines],
    }
    write_atomic(course.folder / "notebooks.json", json.dumps(summary, indent=1).encode())
    write_atomic(course.folder / "notebooks.csv", _table(course.week, lines).encode())
    return summary


def _table(week: Week, lines: list[Line]) -> str:
    """One row per student, one column per graded cell. Blank, not zero, where nothing is known."""
    cells = list(dict.fromkeys(name for one in lines if one.score for name in one.score.cells))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "name", "status", week.name, "max_score", "to_grade_by_hand", *cells])
    for one in lines:
        score = one.score
        points: list[object] = [""] * (3 + len(cells))
        if score:
            by_cell = [score.cells.get(name, "") for name in cells]
            points = [score.score, score.max_score, score.by_hand, *by_cell]
        writer.writerow([cell(one.student), cell(one.name), one.status.value, *points])
    return text.getvalue()


def _show(console: Console, course: Course, lines: list[Line], problems: tuple[str, ...]) -> None:
    for problem in problems:
        console.print(Text(f"  {problem}", "yellow"))
    for one in lines:
        text = Text(f"  {shown(one.student)}  {one.status.value}")
        if one.score:
            text.append(f"  {points_text(one.score.score, one.score.max_score)}")
            if one.score.by_hand:
                text.append(f", {one.score.by_hand} to grade by hand", "yellow")
        if one.reason:
            text.append(f"  {one.reason}", "red")
        console.print(text)
    console.print(f"Points are in {course.folder / 'notebooks.csv'}, feedback in feedback/.")
    if any(one.score and one.score.by_hand for one in lines):
        console.print(
            f"Grade by hand: cd {course.folder}, run jupyter lab, and open the formgrader."
        )
