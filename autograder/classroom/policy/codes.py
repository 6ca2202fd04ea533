"""Codes in place of names: for people who grade by hand and need not know whose work it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from autograder.classroom.intake.matching import Match
from autograder.classroom.intake.names import folded
from bootcamp.errors import BootcampError

CODE_LENGTH = 8
"""Characters, of 32 different ones."""


def codes(students: Iterable[str], secret: str) -> Mapping[str, str]:
    """Each student's code. Without the secret, nobody can compute a code from an id.

    Args:
        students: ids.
        secret: the class's, which stays in its output folder.

    Raises:
        BootcampError: two students have the same code.
    """
    found = {one: _code(one, secret) for one in students}
    if len(set(found.values())) < len(found):
        raise BootcampError(
            "Two students have the same code.", "Remove `secret` from class.json, then try again."
        )
    return found


def called(matches: Sequence[Match], known: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Ids by what a table of points by hand may call a student: id, code, or a group's name.

    Args:
        matches: the class.
        known: codes by id; empty while nobody has got one. A code stands for all whose work it is.
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in matches:
        student = one.student
        names = [folded(student.group)] if student.group else []
        names += [known[one.holder or student.id]] if known else []
        for name in names:
            found[name] = (*found.get(name, ()), student.id)
    return found | {folded(one.student.id): (one.student.id,) for one in matches}


def _code(student: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), student.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.b32encode(digest.digest()).decode().lower()[:CODE_LENGTH]
