"""A folder for people who grade by hand: codes, homework files, cards and the table. No names."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.classroom.intake.roster import Student
from autograder.classroom.output import feedback
from autograder.classroom.policy.similarity import Cluster
from autograder.classroom.policy.summary import Grade
from bootcamp.errors import UsageError
from bootcamp.files import write_atomic
from bootcamp.stack.state import make_private

TABLE = "hand.csv"


def write_anonymous(
    place: Path,
    grades: Mapping[str, Grade],
    folders: Mapping[str, Path],
    table: str,
    clusters: Iterable[Cluster] = (),
    title: str = "",
) -> None:
    """Write the folder.

    Args:
        place: a folder that does not exist yet, or is empty.
        grades: by code; only their results are used.
        folders: the files that were taken, by code.
        table: the table to fill in, with codes.
        clusters: groups of alike submissions, with codes.
        title: the week's.

    Raises:
        UsageError: the folder holds something: somebody may have worked in it.
        BootcampError: a file cannot be written.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place} exists, and is not overwritten.", "Choose another name.")
    make_private(place)
    for code, folder in folders.items():
        shutil.copytree(folder, place / code / "homework")
        if grade := grades.get(code):
            # A person's remarks carry names of staff and earlier judgements, so they stay away.
            shown = replace(
                grade, student=Student(code), reason="", penalty=0.0, comment=None, by_hand=None
            )
            text = feedback.markdown(shown, title)
            write_atomic(place / code / "cards.md", text.encode("utf-8", "replace"))
    write_atomic(place / TABLE, table.encode("utf-8-sig", "replace"))
    lines = [f"{one.least:.0%} to {one.most:.0%}: {', '.join(one.members)}" for one in clusters]
    if lines:
        text = "A reason to look, never a proof.\n\n" + "\n".join(lines) + "\n"
        write_atomic(place / "alike.txt", text.encode())
