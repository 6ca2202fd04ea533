"""How a check of an item can end."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The six ways an item can end. Only `PASSED` earns points."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """An item that this one needs did not pass."""
    NOT_GRADABLE = "not_gradable"
    """The student can fix it: a file is missing, does not parse or cannot be imported."""
    GRADER_ERROR = "grader_error"
    """The grader broke. It never counts as zero points: check again, and report it."""
    UNAVAILABLE = "unavailable"
    """This machine lacks what the check needs, a browser for example. No points are recorded, not even
    zero."""

    @property
    def judged(self) -> bool:
        """Whether the outcome says something about the work. If not, its points stay blank."""
        return self not in (Outcome.GRADER_ERROR, Outcome.UNAVAILABLE)
