"""Comparisons in constant time: whether a function decides by `compare_digest`.

Nobody can measure over a call that a comparison takes a constant time. So `compare_digest` itself is replaced
in the student's process, by a function that always says one thing. A function that decides by it says that
thing too, whatever the values are. One that only calls it, and decides by `==`, does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autograder.process.student import Student
from autograder.sdk.races import made

HOMES = ("hmac", "secrets")
"""The modules of Python that have `compare_digest`."""


@contextmanager
def every_comparison(student: Student, says: bool, *modules: str) -> Iterator[None]:
    """Let `compare_digest` say that all values are equal, or that none are, inside the block.

    Afterwards the student's process is a new one.

    Args:
        modules: the student's modules that may have imported the function by its name.
    """
    always = made("builtins", "eval", f"lambda one, other: {says}")
    try:
        for module in (*modules, *HOMES):  # the student's modules take the name at their import
            where = made("importlib", "import_module", module)
            if student.call("builtins", "hasattr", where, "compare_digest"):
                student.call("builtins", "setattr", where, "compare_digest", always)
        yield
    finally:
        student.renew()
