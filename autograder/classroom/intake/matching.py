"""Whose submission is whose: the roster's students and what was handed in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from autograder.classroom.intake.names import folded, shown
from autograder.classroom.intake.roster import Roster, Student
from autograder.classroom.intake.sources import HandIn

Content = Callable[[HandIn], Hashable]


@dataclass(frozen=True)
class Match:
    """A student, and what was handed in; None where nothing was."""

    student: Student
    hand_in: HandIn | None
    problem: str = ""
    """Why none was taken though there is one."""
    holder: str = ""
    """The id of the student in whose name a submission of several students is graded; else empty."""


@dataclass(frozen=True)
class Matched:
    """The whole class."""

    matches: tuple[Match, ...]
    problems: tuple[str, ...]
    """Submissions that belong to nobody, or of which a student has several."""


def match(
    roster: Roster | None,
    found: Collection[HandIn],
    mapping: Mapping[str, tuple[Student, ...]] | None = None,
    content: Content = lambda one: one,
) -> Matched:
    """Give each student their submission. Nothing is guessed where two would fit.

    Without a roster each submission is a student of its own.

    Args:
        mapping: whose a submission is, by its folded name; it goes before everything else.
        content: equal for submissions with equal homework. Members of a group may have copies of one,
            as Moodle writes them.
    """
    problems = [f"{shown(one.name)}: nobody can tell whose it is" for one in found if one.stray]
    found = tuple(one for one in found if not one.stray)
    mapping = mapping or {}
    names = {folded(name) for one in found for name in (one.name, *one.aliases)}
    problems += [
        f"the mapping names {shown(name)}, and there is no such submission"
        for name in mapping
        if name not in names
    ]
    if roster is None:
        roster = Roster(_students(found))
    owners: dict[str, list[HandIn]] = defaultdict(list)
    for hand_in in found:
        fitting = _mapped(hand_in, mapping) or _owners(hand_in, roster.students)
        groups = {
            ("group", folded(student.group)) if student.group else ("id", student.id)
            for student in fitting
        }
        if len(groups) == 1 or _mapped(hand_in, mapping):
            for student in fitting:
                _add(owners[student.id], hand_in)
        elif not fitting:
            problems.append(f"{shown(hand_in.name)}: nobody in the roster has this name")
        else:
            who = ", ".join(shown(student.id) for student in fitting)
            problems.append(f"{shown(hand_in.name)}: it fits several students: {who}")
    _share(roster.students, owners, content)
    matches: list[Match] = []
    holders: dict[object, str] = {}
    for student in roster.students:
        mine = owners[student.id]
        problem = ""
        if len(mine) > 1:
            which = ", ".join(shown(one.name) for one in mine)
            problem = f"there are several submissions: {which}; keep one"
            problems.append(f"{shown(student.id)}: {problem}")
        one = mine[0] if len(mine) == 1 else None
        holder = holders.setdefault(one.reader, student.id) if one else ""
        matches.append(Match(student, one, problem, "" if holder == student.id else holder))
    return Matched(tuple(matches), tuple(problems))


def _mapped(
    hand_in: HandIn, mapping: Mapping[str, tuple[Student, ...]]
) -> tuple[Student, ...] | None:
    named = (mapping.get(folded(name)) for name in (hand_in.name, *hand_in.aliases))
    return next(filter(None, named), None)


def _add(mine: list[HandIn], hand_in: HandIn) -> None:
    """Add a submission, unless it is there already under another of its students' names."""
    if all(one.reader is not hand_in.reader for one in mine):
        mine.append(hand_in)


def _share(
    students: tuple[Student, ...], owners: dict[str, list[HandIn]], content: Content
) -> None:
    """Give every member of a group what any of them has handed in: of equal copies the first."""
    groups: dict[str, list[Student]] = defaultdict(list)
    for student in students:
        if student.group:
            groups[folded(student.group)].append(student)
    for members in groups.values():
        together: list[HandIn] = []
        for student in members:
            for hand_in in owners[student.id]:
                _add(together, hand_in)
        if len(together) > 1:
            together = list({content(one): one for one in reversed(together)}.values())[::-1]
        for student in members:
            owners[student.id] = together


def _students(found: tuple[HandIn, ...]) -> tuple[Student, ...]:
    """Students made up from what was handed in."""
    students: dict[str, Student] = {}
    for hand_in in found:
        first = hand_in.aliases[0]
        students.setdefault(folded(first), Student(first, name=hand_in.person))
    return tuple(students.values())


def _owners(hand_in: HandIn, students: tuple[Student, ...]) -> Sequence[Student]:
    """The students that a submission fits: by its whole name or group, else by parts between underscores,
    else by the words of the student's name.

    Learning platforms call files `jane-doe_4711_assignment.zip`.
    """
    whole = {folded(alias) for alias in hand_in.aliases} - {""}
    for by in ("id", "email", "name", "group"):
        if fitting := [one for one in students if folded(getattr(one, by)) in whole]:
            return fitting
    # What a platform says of a person is no list of parts.
    parts = {part for alias in whole for part in alias.split("_") if part and not hand_in.person}
    if fitting := [one for one in students if {folded(one.id), folded(one.email)} & parts]:
        return fitting
    named = {_words(text) for text in whole | {alias.partition("_")[0] for alias in whole}}
    if fitting := [one for one in students if _words(one.name) in named - {()}]:
        return fitting
    single = {words[0] for words in named if len(words) == 1}
    for by in ("name", "group"):
        if fitting := [one for one in students if _run_together(getattr(one, by)) & single]:
            return fitting
    return _in_team(hand_in.person, students)


def _in_team(person: str, students: tuple[Student, ...]) -> Sequence[Student]:
    """The student of `Team 1-Anna Alt`, as Moodle names each member's copy of a team's submission.

    Only students in a group: otherwise the work of a stranger called Zoe-Anna Alt would become Anna Alt's.
    """
    ends = (person[place + 1 :] for place, sign in enumerate(person) if sign == "-")
    members = {_words(text) for text in ends} - {()}
    return [one for one in students if one.group and _words(one.name) in members]


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in any order, without apostrophes: `Alt, Anna` is `Anna Alt`."""
    return tuple(sorted(re.findall(r"\w+", re.sub(r"['’`´.]", "", folded(name)))))


def _run_together(name: str) -> set[str]:
    """A name of several words as one, as Canvas writes it: `altanna`."""
    words = re.findall(r"\w+", re.sub(r"['’`´.]", "", folded(name)))
    turned = {"".join(words[start:] + words[:start]) for start in range(len(words))}
    return turned if len(words) > 1 else set()
