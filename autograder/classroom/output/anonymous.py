"""A folder for people who grade by hand: codes, homework files, cards and the table. No names."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.classroom.intake.matching import Match
from autograder.classroom.intake.roster import Student
from autograder.classroom.output import exports, feedback
from autograder.classroom.policy.hand_grades import ByHand
from autograder.classroom.policy.remarks import without_remarks
from autograder.classroom.policy.similarity import Cluster
from autograder.classroom.policy.summary import Grade
from bootcamp.errors import UsageError
from bootcamp.files import write_atomic
from bootcamp.stack.state import make_private

TABLE = "hand.csv"


def write_anonymous(
    place: Path,
    matches: Iterable[Match],
    codes: Mapping[str, str],
    grades: Mapping[str, Grade],
    folders: Mapping[str, Path],
    by_hand: ByHand,
    clusters: Iterable[Cluster] = (),
) -> None:
    """Write the folder.

    Args:
        place: a folder that does not exist yet, or is empty.
        matches: the class; a group's submission is there once.
        codes: by id.
        grades: by id; only their results are used.
        folders: the files that were taken, by id.
        by_hand: what was entered by hand already.
        clusters: groups of alike submissions.

    Raises:
        UsageError: the folder holds something: somebody may have worked in it.
        BootcampError: a file cannot be written.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place} exists, and is not overwritten.", "Choose another name.")
    make_private(place)
    people = []
    for student in (one.student for one in matches if not one.holder):
        code, folder = codes[student.id], folders.get(student.id)
        people.append((Student(code), by_hand.marks(student.id)))
        if folder:
            shutil.copytree(folder, place / code / "homework")
            # Remarks name staff, and they and lateness are none of a second grader's business.
            record = grades[student.id].record
            seen = replace(
                grades[student.id], student=Student(code), reason="", penalty=0.0, comment=None,
                by_hand=None, record=without_remarks(record) if record else None,
            )  # fmt: skip
            text = feedback.markdown(seen, "Results of the checks")
            write_atomic(place / code / "cards.md", text.encode("utf-8", "replace"))
    table = exports.hand_grades_csv(by_hand.targets, people)
    write_atomic(place / TABLE, table.encode("utf-8-sig", "replace"))
    lines = [
        f"{one.least:.0%} to {one.most:.0%}: "
        + ", ".join(sorted(codes.get(name, name) for name in one.members))
        for one in clusters
    ]
    if lines:
        text = "A reason to look, never a proof.\n\n" + "\n".join(lines) + "\n"
        write_atomic(place / "alike.txt", text.encode())
