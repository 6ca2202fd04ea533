"""Texts that students choose (names, ids, file names), made safe for files, screens and tables."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import unicodedata
from pathlib import Path

from autograder.card import clean
from bootcamp.paths import ROOT

MAX_SHOWN = 120
"""A name is cut here wherever it is shown."""
MAX_SENTENCE = 600
"""And a sentence that quotes names here."""
MAX_FILE_STEM = 80
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that starts with one of these for a formula."""

_ROOTS = {sys.prefix, sys.base_prefix, tempfile.gettempdir(), str(ROOT), str(Path.home())} - {"/"}
_ANY_ROOT = "|".join(map(re.escape, sorted(_ROOTS, key=len, reverse=True)))
_PLACE = re.compile(rf"(?<![\w.-])(?:{_ANY_ROOT})(?![\w.-])(?:/[\w.+@~-]*)*")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*(?:[.@][a-z0-9_-]+)*")
_UNSAFE = re.compile(r"[^a-z0-9_-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """The text on one line, without control or direction characters, cut."""
    return clean(" ".join(text.split()), limit=limit)


def without_places(text: str) -> str:
    """The text without paths of this machine, which are nobody's business: `…/` stands for a folder."""
    return _PLACE.sub(_shortened, text)


def _shortened(found: re.Match[str]) -> str:
    path = found[0]
    for folder in ("/site-packages/", "/pipeline/"):
        if folder in path:
            return f"…{folder}{path.rpartition(folder)[2]}".replace("…/pipeline", "pipeline")
    return f"…/{path.rpartition('/')[2]}"


def readable(name: str) -> str:
    """A file's name as text. One that is not UTF-8 is read as Windows and old Unix systems write it.

    So no half character (surrogate) of it reaches a record, a page or a table.
    """
    try:
        return os.fsencode(name).decode()
    except UnicodeError:
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def folded(text: str) -> str:
    """The text for comparing: accents in one form, no upper and lower case, single spaces."""
    lower = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", lower).split())


def file_stem(student: str) -> str:
    """A file name for a student's id: the id itself where it is plain, else with a hash behind it.

    Two ids never share one, also where the file system knows no upper and lower case.
    """
    if (
        len(student) <= MAX_FILE_STEM
        and _PLAIN.fullmatch(student)
        and not _RESERVED.fullmatch(student)
    ):
        return student
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode().lower()
    words = _UNSAFE.sub("-", plain).strip("-_")[:40] or "student"
    return f"{words}.{digest}"


def cell(value: object) -> object:
    """A value for a CSV cell: numbers as they are, text that a spreadsheet runs gets a quote."""
    if not isinstance(value, str):
        return value
    text = clean(value, limit=1000)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def from_cell(text: str) -> str:
    """The text of a cell that `cell` has written: without the quote before a formula."""
    plain = text.removeprefix("'")
    return plain if plain.lstrip(" ").startswith(FORMULA_STARTS) else text
