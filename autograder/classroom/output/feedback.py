"""Feedback that can be sent: a Markdown file per student, and a table for a mail merge.

The files quote what students' code printed. Inline text is escaped, and cards stand in fences that
no text in them can close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from autograder.card import clean
from autograder.classroom.execution.records import ItemRecord
from autograder.classroom.intake.names import MAX_SENTENCE, file_stem, shown
from autograder.classroom.policy.remarks import Remarked
from autograder.classroom.policy.summary import Grade
from bootcamp.course.manifest import points_text
from bootcamp.course.outcome import Outcome

FOLDER = "feedback"
"""In the output folder."""
MAX_SUMMARY = 900
"""Characters of the summary in the mail-merge table."""
MAX_CARD = 20_000
"""And of a card."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&])")


def markdown(grade: Grade, title: str) -> str:
    """A student's feedback. It shows no seed: seeds bring hidden inputs back."""
    return "\n".join(_lines(grade, title)) + "\n"


def _lines(grade: Grade, title: str) -> Iterator[str]:
    name = grade.student.name or grade.student.id
    yield f"# {_plain(title)}"
    yield f"\n{_plain(name)}: **{points_line(grade)}**"
    if grade.reason:
        yield f"\n{_plain(grade.reason)}"
    if grade.penalty:
        yield f"\nTaken off for lateness: {grade.penalty:g} points."
    if grade.student.bonus:
        yield f"\nGiven by your instructor: {grade.student.bonus:+g} points."
    if grade.comment:
        yield f"\n{_plain(grade.comment.comment)}"
    for one in grade.record.items if grade.record else ():
        yield from _item(one)
    if grade.by_hand:
        yield from _by_hand(grade)


def _item(one: ItemRecord) -> Iterator[str]:
    points = points_text(one.score, one.max_score) if one.judged else "no points yet"
    outcome = one.outcome.value.replace("_", " ")
    yield f"\n## {one.id} {_plain(one.title)}: {outcome}, {points}"
    for check in one.checks:
        said = f"{check.outcome.value}, {points_text(check.score, check.max_score)}"
        yield f"\n- {_plain(check.title)}{' (bonus)' if check.bonus else ''}: {said}"
        if check.hidden and check.why:
            yield from _fenced(clean(check.text, MAX_CARD))
    if isinstance(one, Remarked):
        yield f"\n{_plain(one.remark)}"
    if one.why and one.outcome not in (Outcome.PASSED, Outcome.GRADER_ERROR):
        yield from _fenced(clean(one.card_text, MAX_CARD))


def _by_hand(grade: Grade) -> Iterator[str]:
    assert grade.by_hand
    total, most = grade.by_hand.total, grade.by_hand.rubric.max_points
    points = "not complete yet" if total is None else f"{total:g} of {most:g} points"
    yield f"\n## Graded by a person: {points}\n"
    for criterion, mark in grade.by_hand.rows:
        if mark and mark.points is not None:
            level = criterion.level_text(mark.points)
            said = f" {_plain(mark.comment)}" if mark.comment else ""
            yield f"- {criterion.title}: {mark.points:g}/{criterion.max_points:g}. {level}{said}"


def points_line(grade: Grade) -> str:
    """A student's points, or why there are none, in a few words."""
    if grade.final is not None:
        return f"{grade.final:g} of {grade.max_score:g} points"
    return "nothing handed in" if grade.status.value == "missing" else "no points yet"


def mail_merge(grades: Iterable[Grade], title: str) -> list[Sequence[object]]:
    """Rows of the table: whom to write to, what, and which file to attach. The first one is the head."""
    rows: list[Sequence[object]] = [
        ["email", "name", "id", "section", "subject", "points", "max_points", "by_hand", "summary",
         "markdown", "html"]
    ]  # fmt: skip
    for grade in grades:
        student, stem = grade.student, file_stem(grade.student.id)
        by_hand = grade.by_hand.total if grade.by_hand else None
        points = "" if grade.final is None else grade.final
        subject = f"{title}: {points_line(grade)}"
        files = (f"{FOLDER}/{stem}.md", f"reports/{stem}.html")
        rows.append(
            [student.email, student.name, student.id, student.section, subject, points,
             grade.max_score, "" if by_hand is None else by_hand, summary(grade), *files]
        )  # fmt: skip
    return rows


def summary(grade: Grade) -> str:
    """What to look at, in a sentence per item: for a mail, and for platforms that show one comment."""
    lines = [grade.comment.comment] if grade.comment else []
    lines += [shown(grade.reason, MAX_SENTENCE)] if grade.reason else []
    for one in grade.record.items if grade.record else ():
        rows = dict(one.why.rows) if one.why else {}
        cause = rows.get("likely cause") or rows.get("came back") or ""
        said = one.remark if isinstance(one, Remarked) else ""
        wrong = "" if one.passed or one.outcome is Outcome.GRADER_ERROR else cause
        if text := " ".join(filter(None, (said, shown(wrong, 200)))):
            points = points_text(one.score, one.max_score) if one.judged else "no points yet"
            lines.append(f"{one.id} ({points}): {text}")
    return shown("; ".join([*lines, *hand_lines(grade)]), MAX_SUMMARY)


def hand_lines(grade: Grade) -> list[str]:
    """What a person gave by the rubric, a line per criterion."""
    rows = grade.by_hand.rows if grade.by_hand else ()
    return [
        f"{one.title} ({mark.points:g}/{one.max_points:g}, by hand): "
        f"{mark.comment or one.level_text(mark.points)}"
        for one, mark in rows
        if mark and mark.points is not None
    ]


def _plain(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", shown(text, MAX_SENTENCE * 2))


def _fenced(text: str) -> Iterator[str]:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"\n{fence}text\n{text}\n{fence}"
