"""Errors that the command line shows to a person.

Every one says what happened and what to do next; the command line prints them without a traceback.
"""

from __future__ import annotations

EXIT_FAILED = 1
"""The work ran and some of it did not pass."""
EXIT_USAGE = 2
"""The call's words were off, or something it needs is missing."""
EXIT_GRADER_ERROR = 3
"""The grader itself broke, or this machine cannot check: never a student's fault, never a zero."""
EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C, as shells say it."""


class BootcampError(Exception):
    """Something a person can act on.

    Args:
        message: what happened, and where.
        next_step: one sentence or command that gets the reader further.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the words, without a traceback."""
        return str(self).splitlines()


class UsageError(BootcampError):
    """The call cannot be understood or names something that does not exist."""

    exit_code = EXIT_USAGE


class StackError(BootcampError):
    """A part of the local stack did not start, or stopped."""


class GraderError(BootcampError):
    """The grading engine broke. Rerun, and report it if it happens twice."""

    exit_code = EXIT_GRADER_ERROR
