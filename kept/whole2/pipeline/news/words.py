"""Splits a text into the terms that trends count. Given to students complete."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
"""Letters of any alphabet, joined by hyphens or apostrophes."""
MIN_LETTERS = 3
MAX_LETTERS = 40
STOP_WORDS = frozenset(
    """
    about above after again against all almost also although always among and another any are aren't around
    because been before being below between both but can can't cannot could couldn't did didn't does doesn't
    doing don't down during each either else even ever every few first for from further get gets got had
    hadn't has hasn't have haven't having her here hers herself him himself his how however i'm i've into
    isn't it's its itself just last least less let like made make makes many may might more most much must
    myself near neither never new next nor not now off often once one only onto other others our ours out
    over own per perhaps rather said same say says see seen several shall she should shouldn't since so some
    still such than that that's the their theirs them themselves then there there's these they they're this
    those though three through thus too toward towards two under until upon use used very was wasn't way well
    were weren't what when where which while who whom whose why will with within without won't would wouldn't
    year years yes yet you you're your yours yourself
    """.split()  # noqa: SIM905 - two hundred quoted words are harder to read
)
"""Words that every English text has. They say nothing about a topic."""


def words(text: str) -> list[str]:
    """Split a text into terms: words in lower case without stop words, in the order of the text.

    Args:
        text: plain text in any language.

    Returns:
        The terms. One that the text repeats is in the list as often as in the text.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found = (word.removesuffix("'s") for word in WORD.findall(plain.casefold()))
    return [
        word for word in found if MIN_LETTERS <= len(word) <= MAX_LETTERS and word not in STOP_WORDS
    ]
