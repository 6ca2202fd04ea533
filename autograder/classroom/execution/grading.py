"""What has to be graded, and grading it: each result is kept the moment it is there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.classroom.execution.fingerprint import versions
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.execution.records import ItemRecord, Key, Record, Results
from bootcamp.course.manifest import Manifest, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week


@dataclass(frozen=True)
class Redo:
    """What the instructor wants graded again. Nothing named: whatever has no valid result."""

    students: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.students or self.items)


@dataclass(frozen=True)
class Task:
    """A submission of which items have to be graded."""

    student: str
    folder: Path
    key: Key
    graders: str
    """SHA-256 of the graders of now."""
    items: tuple[str, ...]
    stored: Record | None = None
    """A result of the same files, whose other items stay."""


@dataclass(frozen=True)
class Step:
    """A result that came in. `again`: the grader broke, and the items will be tried once more."""

    record: Record
    again: bool


def plan(
    student: str,
    folder: Path,
    key: Key,
    graders: str,
    stored: Record | None,
    manifest: Manifest,
    redo: Redo,
) -> Task | None:
    """What has to be graded of one submission; None if nothing has.

    What an item needs is graded with it, and so is what was skipped: no record says "skipped" beside
    a needed item that has passed.
    """
    every = tuple(item.id for item in manifest.items)
    base = stored if stored and stored.key == key else None
    if redo.students and student not in redo.students:
        return None
    if base is None or (redo.students and not redo.items):
        return Task(student, folder, key, graders, every, base)
    wanted = {*base.unjudged, *(with_dependents(manifest, redo.items) or base.not_by(graders))}
    wanted |= set(every) - {one.id for one in base.items}
    if wanted:
        wanted |= {one.id for one in base.items if one.outcome is Outcome.SKIPPED}
    items = manifest.with_needs(tuple(wanted))
    return Task(student, folder, key, graders, items, base) if items else None


def with_dependents(manifest: Manifest, items: frozenset[str] | set[str]) -> tuple[str, ...]:
    """These items and all that build on them, in the manifest's order."""
    chosen = set(items)
    for item in manifest.items:
        if chosen & set(item.needs):
            chosen.add(item.id)
    return tuple(item.id for item in manifest.items if item.id in chosen)


def grade_all(
    tasks: list[Task],
    week: Week,
    results: Results,
    run: RunJobs,
    processes: int,
    retries: int,
) -> Generator[Step, None, None]:
    """Grade all tasks side by side; keep and yield each result as it comes.

    Items on which the grader broke are tried `retries` times more, after all the others and one
    submission at a time. So are items that were late on a crowded machine. A student's failure never is.
    """
    manifest = load_manifest(week)
    for turn in range(max(retries, 1) + 1):
        again = []
        processes = 1 if turn else processes
        alone = processes == 1
        by_student = {task.student: task for task in tasks}
        jobs = [
            Job(one.student, week.name, one.folder, one.items, one.key.seed, alone) for one in tasks
        ]
        with closing(run(jobs, processes)) as answers:
            for job, answer in answers:
                task = by_student[job.student]
                record = merged(task, week, answer)
                results.save(record)
                wanted = record.broken if turn < retries else () if turn else answer.crowded
                retry = bool(wanted)
                if retry:
                    items = manifest.with_needs(wanted)
                    again.append(replace(task, items=items, stored=record))
                yield Step(record, retry)
        tasks = again


def merged(task: Task, week: Week, answer: Answer) -> Record:
    """The record of a task's answer, with the items of the record before that were not graded."""
    manifest = load_manifest(week)
    now = datetime.now(UTC)
    graded = answer.items or tuple(
        ItemRecord.broken(manifest.item(item_id), answer.problem) for item_id in task.items
    )
    before = task.stored
    items = {one.id: one for one in before.items} if before else {}
    items |= {one.id: one.model_copy(update={"graders": task.graders}) for one in graded}
    regraded: tuple[str, ...] = ()
    if before:
        again = set(task.items) <= set(manifest.with_needs(before.unjudged))
        regraded = (*before.regraded, *(() if again else (_stamp(task.items, now),)))
    whole = set(task.items) >= {item.id for item in manifest.items}
    kept = before.flags if before and not whole else ()
    return Record(
        student=task.student,
        week=week.name,
        key=task.key,
        items=tuple(items[item.id] for item in manifest.items if item.id in items),
        sandbox=answer.sandbox,
        versions=versions() | answer.versions,
        seconds=round((before.seconds if before else 0.0) + answer.seconds, 3),
        graded_at=now,
        regraded=regraded,
        flags=tuple(dict.fromkeys((*kept, *_flags(answer)))),
    )


def _flags(answer: Answer) -> tuple[str, ...]:
    names = ", ".join(answer.crowded)
    crowded = f"the machine was too crowded for {names}, so that was graded again alone"
    return (*answer.flags, *((crowded,) if names else ()))


def _stamp(items: tuple[str, ...], now: datetime) -> str:
    return f"{', '.join(items)} at {now:%Y-%m-%d %H:%M:%SZ}"
