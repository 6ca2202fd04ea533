"""Late days as a budget over the term: each week keeps what it used in a file of its own.

Weeks have their own output folders, and may be graded at the same time by different people. A file per
week has one writer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from autograder.classroom.intake.names import shown
from autograder.classroom.policy.late import LateRules
from autograder.classroom.policy.summary import Grade, Status
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError
from bootcamp.files import write_atomic


class FreeDays:
    """The budget as one week sees it: earlier weeks come first, whenever they are graded.

    Raises:
        BootcampError: a week's file is damaged. It is never taken for an empty one.
    """

    def __init__(self, rules: LateRules, week: Week) -> None:
        self.budget = rules.free_days
        self._path = Path(rules.free_days_folder) / f"{week.name}.json"
        self._earlier: Counter[str] = Counter()
        self._later: Counter[str] = Counter()
        others = self._path.parent.glob("week*.json") if self.budget else ()
        for path in sorted(others):
            if path.stem != week.name:
                (self._earlier if path.stem < week.name else self._later).update(_read(path))

    def left(self, student: str) -> int:
        """Days that a student has for this week."""
        return max(self.budget - self._earlier[student], 0)

    def problems(self, grades: Iterable[Grade]) -> tuple[str, ...]:
        """Students whose later weeks took days that this week has used now."""
        if not self.budget:
            return ()
        used = _used(grades)
        over = [
            student
            for student, days in used.items()
            if days and self._earlier[student] + days + self._later[student] > self.budget
        ]
        return tuple(
            f"{shown(student)}: this week and later ones take more than {self.budget} late days; "
            "run the command for the later weeks again"
            for student in over
        )

    def keep(self, grades: Iterable[Grade]) -> None:
        """Write what this week used. Whose submission was not read keeps what was written before.

        Raises:
            BootcampError: the file cannot be written.
        """
        if self.budget:
            before = _read(self._path) if self._path.exists() else Counter[str]()
            some = {
                name: days for name, days in sorted({**before, **_used(grades)}.items()) if days
            }
            write_atomic(self._path, json.dumps(some, indent=1).encode())


def _used(grades: Iterable[Grade]) -> dict[str, int]:
    return {one.student.id: one.free_days for one in grades if one.status is not Status.UNREAD}


def _read(path: Path) -> Counter[str]:
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        return Counter({str(name): max(int(days), 0) for name, days in found.items()})
    except (OSError, ValueError, TypeError) as error:
        raise BootcampError(
            f"Cannot read the late days in {path}: {error}",
            "Remove the file, then run the command for that week again: it writes the file.",
        ) from None
