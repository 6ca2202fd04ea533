"""How learning platforms name what they export: whose a file or folder is, and what it was called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from autograder.classroom.intake.names import folded

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "Moodle": re.compile(
        r"(?P<who>[^_]+)_(?P<number>\d+)_assignsubmission_(?P<part>[a-z]+)_?(?P<file>.*)"
    ),
    "Canvas": re.compile(
        r"(?P<who>[^_]+)(?:_LATE)?_(?P<number>\d+)_(?P<part>\d+)_(?P<file>.+)", re.IGNORECASE
    ),
    "Blackboard": re.compile(
        r"(?P<who>.+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)?"
    ),
    "Brightspace": re.compile(
        r"(?P<number>\d+-\d+) ?- ?(?P<who>.+?) ?- ?"
        r"(?P<when>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{3,4} [AP]M)(?: ?- ?(?P<file>.+))?"
    ),
    "Sakai": re.compile(r"(?P<who>[^(),]+, [^()]+)\((?P<login>[^()]+)\)"),
}
_TIMES = {"Blackboard": "%Y-%m-%d-%H-%M-%S", "Brightspace": "%b %d, %Y %I%M %p"}
_COPY = re.compile(r"(?: ?\(\d+\)| - Copy(?: \(\d+\))?|-\d+)$")
"""What browsers, file managers and Canvas add to the name of a second file: `producer-1.py`."""


@dataclass(frozen=True)
class Named:
    """What the name of a file or folder says."""

    owner: str
    """The same for all that a student handed in, and different for namesakes."""
    aliases: tuple[str, ...]
    """By which the student may be in the roster; the first one tells namesakes apart."""
    person: str
    """The student's name, where the name holds one alone."""
    within: str
    """What it is called within the submission."""
    when: datetime | None = None
    """When it came, in the platform's own time zone."""


def named(name: str, homework: Iterable[PurePosixPath], *, is_file: bool) -> Named | None:
    """Read the name of a file or folder in an export; None if it has no form that is known.

    Args:
        homework: the week's files. A loose file that is called like one of them, with something in
            front, belongs to whom that names.
    """
    for platform, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(name):
            return _of(platform, found.groupdict(default=""))
    for file in homework:
        ahead = name[: -len(file.name)]
        if is_file and ahead[:-1] and ahead[-1] in "_- " and name.endswith(file.name):
            return Named(folded(ahead[:-1]), (ahead[:-1],), "", file.name)
    return None


def _of(platform: str, facts: Mapping[str, str]) -> Named:
    who, number, login = facts["who"].strip(), facts.get("number", ""), facts.get("login", "")
    first = login or "_".join(filter(None, (who, number)))
    # Canvas's number is a user's own. Moodle counts submissions: that is nobody's id.
    others = (who, number) if platform == "Canvas" else (who,)
    file, part = facts.get("file", ""), facts.get("part", "")
    within = "/".join(filter(None, (part, file))) or "submission"
    return Named(
        owner=f"{platform} {folded(first)}",
        aliases=(first, *filter(None, others)),
        person="" if platform == "Blackboard" else who,  # a user name behind the assignment's
        within=within,
        when=_time(platform, facts.get("when", "")),
    )


def _time(platform: str, text: str) -> datetime | None:
    with suppress(KeyError, ValueError):
        padded = re.sub(r"(?<= )(\d{3}) (?=[AP]M)", r"0\1 ", text)
        return datetime.strptime(padded, _TIMES[platform])
    return None


def original(name: str) -> str:
    """The name of a file before something made a second one of it."""
    stem, dot, suffix = name.rpartition(".")
    return f"{_COPY.sub('', stem)}{dot}{suffix}" if dot else name
