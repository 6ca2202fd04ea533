"""One week of a class, from a folder of submissions to grades, pages and exports.

The output folder holds everything: `taken/` (the files that are graded), `results/`, `reports/`,
`class.html`, `grades.json`, `scores.csv`, `exports/`. Running again does only what is not done yet.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from autograder.classroom.entry import Entry, Options, output_folder
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.grading import (
    Redo,
    Step,
    Task,
    grade_all,
    plan,
    with_dependents,
)
from autograder.classroom.execution.pool import RunJobs
from autograder.classroom.execution.records import Key, Record, Results
from autograder.classroom.intake.allow_list import Intake, store
from autograder.classroom.intake.mapping import load_mapping
from autograder.classroom.intake.matching import match
from autograder.classroom.intake.names import file_stem, folded, shown
from autograder.classroom.intake.roster import Roster, load_roster
from autograder.classroom.intake.sources import HandIn, find, repository
from autograder.classroom.intake.suspicious import suspicious
from autograder.classroom.output import exports
from autograder.classroom.output.anonymous import write_anonymous
from autograder.classroom.output.publishing import ClassResults, changes_since, publish
from autograder.classroom.policy.codes import called, codes
from autograder.classroom.policy.free_days import FreeDays
from autograder.classroom.policy.hand_grades import ByHand
from autograder.classroom.policy.hand_table import Targets
from autograder.classroom.policy.late import Policy, load_policy
from autograder.classroom.policy.rubric import Rubric, load_rubric
from autograder.classroom.policy.similarity import Cluster
from autograder.classroom.policy.summary import Grade, due_of, grade_of, uneven
from autograder.run.submission import helpers_text
from bootcamp.course.manifest import Manifest, load_manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError
from bootcamp.files import write_atomic
from bootcamp.stack.state import read_json

CLASS_FILE = "class.json"
PROPOSED = "proposed"
"""In the output folder: what a dry run has graded."""
DEFAULT_REVISION = "HEAD"


class Assignment:
    """A week of a class. Reads roster, policy and submissions when it is made.

    Raises:
        UsageError: the roster, the policy, the folder of submissions or a name in `regrade` is
            wrong, the table of points by hand is, or the output folder belongs to another week.
    """

    def __init__(self, week: Week, options: Options) -> None:
        self.week = week
        self.options = options
        self.manifest: Manifest = load_manifest(week)
        ids = [item.id for item in self.manifest.items]
        self.policy: Policy = load_policy(options.policy, ids)
        self.roster: Roster | None = None
        if options.roster:
            self.roster = load_roster(options.roster, self.policy.zone)
        mapping = load_mapping(options.mapping, self.roster)
        matched = match(self.roster, self._found(), mapping, self._content)
        self.problems: tuple[str, ...] = matched.problems
        self._matches = matched.matches
        self.redo = self._redo(ids)
        self.rubric: Rubric | None = load_rubric(week)
        points = {item.id: item.points for item in self.manifest.items if item.points}
        targets = Targets(self.rubric, points)
        table = options.hand_grades
        known = self.codes() if self._secret() else {}
        names = called(self._matches, known)
        self.by_hand = ByHand(targets, week.name, options.out, table, names)
        kept = Results(options.out / "results")
        self._base = options.out / PROPOSED if options.dry_run else options.out
        self.free_days = FreeDays(self.policy.late, week)
        self.results = Results(self._base / "results", kept) if options.dry_run else kept
        self._taken_over: set[str] = set()
        self.entries: tuple[Entry, ...] = ()
        self.seed = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take the output folder for this run, and the submissions into it. Enter points by hand.

        Raises:
            UsageError: another run has it, or it holds another week.
        """
        with output_folder(self.options.out):
            self.seed = self._seed()
            self.by_hand.enter(keep=not self.options.dry_run)
            self.entries = tuple(self._take())
            yield

    def tasks(self) -> list[Task]:
        """What has to be graded now. What a dry run has graded in the same way is taken over."""
        graders = fingerprint.of_graders(self.week)
        if not self.options.dry_run:
            self._take_over(graders)
        planned = []
        for entry in self.entries:
            if entry.intake and not entry.intake.refused and entry.holder == entry.id:
                submission = fingerprint.of_submission(entry.intake.files)
                seed = fingerprint.seed_of(self.seed, submission)
                key = Key(submission=submission, seed=seed)
                stored = self.results.load(entry.id)
                folder = self._taken(entry.id)
                redo = Redo() if entry.id in self._taken_over else self.redo
                task = plan(entry.id, folder, key, graders, stored, self.manifest, redo)
                planned.append(task)
        return [task for task in planned if task]

    def grade(
        self, tasks: list[Task], run: RunJobs, processes: int, retries: int
    ) -> Generator[Step, None, None]:
        """Grade; yields each result when it is there and kept."""
        processes = min(processes, len(tasks))
        return grade_all(tasks, self.week, self.results, run, processes, retries)

    def grades(self) -> tuple[Grade, ...]:
        """Every student's line, from the results that are kept."""
        return tuple(map(self._grade, self.entries))

    def results_of_class(
        self, grades: tuple[Grade, ...], clusters: Iterable[Cluster] = ()
    ) -> ClassResults:
        """All that pages and exports show."""
        ungraded = [one.student.id for one in grades if one.record is None]
        problems = (
            *self.all_problems(),
            *self.by_hand.without_effect(ungraded),
            *self.free_days.problems(grades),
            *uneven(grades),
        )
        return ClassResults(
            self.week, self.manifest, self.policy, self.rubric, grades, self.seed, problems,
            tuple(clusters),
        )  # fmt: skip

    def publish(
        self, grades: tuple[Grade, ...], clusters: Iterable[Cluster] = ()
    ) -> dict[str, Any]:
        """Write pages and exports; returns what `grades.json` holds. In a dry run nothing is written.

        Raises:
            BootcampError: a file cannot be written.
        """
        results = self.results_of_class(grades, clusters)
        if self.options.dry_run:
            return results.summary(changes_since(self.options.out, results))
        self.free_days.keep(grades)
        return publish(self.options.out, results)

    def hand_grades_template(self) -> str:
        """The table for points by hand, with what is entered already.

        Raises:
            BootcampError: what is entered cannot be read.
        """
        self.by_hand.load()
        students = [one.student for one in self._matches]
        return exports.hand_grades_csv(
            self.by_hand.targets, [(one, self.by_hand.marks(one.id)) for one in students]
        )

    def folders(self) -> dict[str, Path]:
        """Where the files that were taken are, by student."""
        return {
            one.id: self._taken(one.id)
            for one in self.entries
            if one.intake and one.intake.files and one.holder == one.id
        }

    def all_problems(self) -> tuple[str, ...]:
        """What the instructor should look at: strangers, several submissions, odd columns."""
        unclear = [one for one in self.entries if one.unclear]
        ignored = self.roster.ignored if self.roster else ()
        return (
            *self.problems,
            *(
                f"{shown(one.id)}: when it came is unclear ({shown(one.unclear)}), so it counts as "
                "in time; the roster's `submitted` can say when"
                for one in unclear
            ),
            *self.helpers(),
            *self.by_hand.problems(),
            *(f"the roster's column {name!r} means nothing here" for name in ignored),
        )

    def helpers(self) -> tuple[str, ...]:
        """Who has added files that are not taken."""
        found = ((one.id, one.intake.helpers) for one in self.entries if one.intake)
        return tuple(f"{shown(name)}: {helpers_text(files)}" for name, files in found if files)

    # -- what the constructor and `held` do --------------------------------------------------

    def _content(self, hand_in: HandIn) -> str:
        """A hash of the homework in a submission. One that is refused is equal to no other."""
        intake = hand_in.read(self.week)
        return (
            f"refused: {id(hand_in)}" if intake.refused else fingerprint.of_submission(intake.files)
        )

    def _found(self) -> tuple[HandIn, ...]:
        options, zone = self.options, self.policy.zone
        cloned = [one for one in self.roster.students if one.repository] if self.roster else []
        revision = options.revision or DEFAULT_REVISION
        places: dict[tuple[str, str], HandIn] = {}  # a group's members may share a repository
        for one in cloned:
            place = (one.repository, one.commit or revision)
            places.setdefault(place, repository(one.id, (one.id,), *place))
        remote = tuple(
            replace(places[one.repository, one.commit or revision], name=one.id, aliases=(one.id,))
            for one in cloned
        )
        if remote and options.submissions.is_dir() and not any(options.submissions.iterdir()):
            return remote
        clones = options.revision or ("" if self.policy.commit == "newest" else revision)
        return remote + find(options.submissions, self.week, zone, clones)

    def _redo(self, items: list[str]) -> Redo:
        students = {one.student.id for one in self._matches}
        known = {folded(one): one for one in students}
        named = {known.get(folded(name), name) for name in self.options.regrade}
        if unknown := sorted(named - students - set(items)):
            raise UsageError(
                f"There is no student and no item called {', '.join(unknown)}.",
                f"The items of this week are: {', '.join(items)}.",
            )
        holders = {one.student.id: one.holder or one.student.id for one in self._matches}
        again = frozenset(holders[one] for one in named & students)
        return Redo(again, frozenset(named & set(items) - students))

    def _secret(self) -> str:
        """What codes are made with; empty in a new folder."""
        return str(read_json(self.options.out / CLASS_FILE).get("secret") or "")

    def codes(self) -> Mapping[str, str]:
        """Each student's code, for those who grade by hand without names."""
        return codes((one.student.id for one in self._matches), self._secret())

    def write_anonymous(self, place: Path, clusters: Iterable[Cluster]) -> None:
        """Write a folder with codes in place of names, for those who grade by hand.

        Raises:
            UsageError: the folder holds something.
        """
        grades = {one.student.id: one for one in self.grades()}
        write_anonymous(
            place, self._matches, self.codes(), grades, self.folders(), self.by_hand, clusters
        )

    def _seed(self) -> int:
        """The class's seed, the same in every run. Each submission's follows from it."""
        path = self.options.out / CLASS_FILE
        known = read_json(path)
        if known and known.get("week") != self.week.name:
            raise UsageError(
                f"{self.options.out} holds the grades of {known.get('week')}.",
                f"Give {self.week} a folder of its own: --out",
            )
        seed = self.options.seed
        if seed is None:
            kept = known.get("seed")
            seed = kept if isinstance(kept, int) else secrets.randbelow(fingerprint.SEEDS)
        secret = self._secret() or secrets.token_hex(32)
        facts = {"week": self.week.name, "seed": seed, "secret": secret}
        if not (self.options.dry_run and known):  # a trial leaves the class's seed as it is
            write_atomic(path, json.dumps(facts).encode())
        return seed

    def _take(self) -> Iterator[Entry]:
        read: dict[str, Intake] = {}
        for one in self._matches:
            student = one.student.id
            if one.hand_in and one.holder not in read:
                read[student] = one.hand_in.read(self.week, before=self._limit(student))
            intake = read.get(one.holder or student)
            found = one
            if intake and intake.empty:
                found, intake = replace(one, problem=intake.refused), None
            if intake and not intake.refused and not one.holder:
                store(intake, self._taken(student))
            elif not (intake and intake.unread):  # then what was taken before stays
                shutil.rmtree(self._taken(student), ignore_errors=True)
            yield Entry(found, intake)

    def _limit(self, holder: str) -> datetime | None:
        """Up to when a commit is in time: for a group, when the last of its members is."""
        if self.policy.commit == "newest":
            return None
        members = [one.student for one in self._matches if holder in (one.student.id, one.holder)]
        due = [one for one in (due_of(student, self.policy) for student in members) if one]
        grace = timedelta(minutes=self.policy.late.grace_minutes)
        return max(due) + grace if due else None

    def _taken(self, student: str) -> Path:
        return self._base / "taken" / file_stem(student)

    def _take_over(self, graders: str) -> None:
        """Keep the results of a dry run as if they were made now, so that nothing is graded twice.

        Only those of today's graders, and of the students that are graded now: all else of the trial is
        dropped.
        """
        proposed = Results(self.options.out / PROPOSED / "results")
        for entry in self.entries:
            asked = not self.redo.students or entry.id in self.redo.students
            record = proposed.load(entry.id) if asked else None
            if record and not record.not_by(graders):
                before = self.results.load(entry.id)
                if self._may_replace(before, record):
                    self.results.save(record)
                    self._taken_over.add(entry.id)
        shutil.rmtree(self.options.out / PROPOSED, ignore_errors=True)

    def _may_replace(self, before: Record | None, record: Record) -> bool:
        """Whether a trial's record is newer, and differs only in what is to be graded again."""
        if before is None or before.graded_at >= record.graded_at:
            return before is None
        again = with_dependents(self.manifest, self.redo.items)
        old, new = ([one for one in each.items if one.id not in again] for each in (before, record))
        return not again or old == new

    def _grade(self, entry: Entry) -> Grade:
        intake = entry.intake
        read = intake is not None and not intake.refused
        kept = intake is not None and (read or intake.unread)
        record = self.results.load(entry.holder) if kept else None
        if (
            record
            and intake
            and read
            and record.key.submission != fingerprint.of_submission(intake.files)
        ):
            record = None  # of files that were handed in before
        if record and entry.holder != entry.id:
            record = record.model_copy(update={"student": entry.id})
        return grade_of(
            entry.match.student,
            self.policy,
            self.manifest,
            handed_in=intake is not None,
            record=record,
            submitted=entry.submitted,
            refused=intake.refused if intake else "",
            unread=intake.unread if intake else False,
            reason=entry.match.problem,
            notes=intake.notes if intake else (),
            flags=((intake.odd,) if intake.odd else ()) + suspicious(intake.files)
            if intake
            else (),
            free_days=self.free_days.left(entry.id) if self.free_days.budget else None,
            commit=intake.commit if intake else "",
            by_hand=self.by_hand.of(entry.id),
            remarks=self.by_hand.remarks(entry.id),
        )
