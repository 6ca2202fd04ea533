"""Texts for which it is known where a chunk begins that repeats some of its page."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from random import Random

from autograder.week03_pipeline.files import made_up

ACCENT = "\N{COMBINING ACUTE ACCENT}"
BLANKS = {
    "after_a_line": "\n",
    "after_a_tab": "\t",
    "after_a_no_break_space": "\N{NO-BREAK SPACE}",
    "after_an_ideographic_space": "\N{IDEOGRAPHIC SPACE}",
}

Case = tuple[str, int, int, str]
"""A text, the index at which the new text begins, the overlap, and the likely cause of another result."""


def chunk_begins(text: str, start: int, overlap: int) -> int:
    """Return the first word in the overlap, else the first letter, else `start`."""
    before = range(max(0, start - overlap), start)
    words = (n for n in before if not text[n].isspace() and (n == 0 or text[n - 1].isspace()))
    letters = (n for n in before if not unicodedata.combining(text[n]))
    return next(words, next(letters, start))


def words_of_one_line(rng: Random) -> Case:
    """The overlap begins within a word."""
    words = made_up(rng, 9)
    text = " ".join(words)
    start = text.index(words[7])
    overlap = start - text.index(words[4]) - rng.randint(1, 6)
    return text, start, overlap, "the first index counts only if a word begins there"


def a_word_at_the_first_index(rng: Random) -> Case:
    """The overlap begins exactly at a word."""
    words = made_up(rng, 9)
    text = " ".join(words)
    start = text.index(words[7])
    return text, start, start - text.index(words[3]), "go back exactly `overlap` characters"


def the_beginning_of_the_text(rng: Random) -> Case:
    """The overlap is longer than what is before."""
    words = made_up(rng, 4)
    text = " ".join(words)
    cause = "do not go back beyond the beginning of the text, where a word begins too"
    return text, text.index(words[2]), len(text) + rng.randint(1, 50), cause


def white_space_at_the_beginning(rng: Random) -> Case:
    """The text begins with white space, and the overlap is longer than what is before."""
    words = made_up(rng, 4)
    text = "  " + " ".join(words)
    cause = "a word begins at a visible character, not at white space"
    return text, text.index(words[2]), len(text), cause


def divided_by(blank: str, name: str) -> Callable[[Random], Case]:
    """The overlap begins within a word, and the next word follows white space of this kind."""

    def case(rng: Random) -> Case:
        words = made_up(rng, 3)
        text = f"{words[0]}{blank}{words[1]} {words[2]}"
        cause = "a word follows white space of any kind (`str.isspace`): lines, tabs, other spaces"
        return text, text.index(words[2]), text.index(words[2]) - rng.randint(1, 6), cause

    case.__name__ = name
    return case


def one_long_word(rng: Random) -> Case:
    """No word begins in the overlap, and every index is a letter."""
    text = "x" + "".join(made_up(rng, 12))
    cause = "without a word, the first letter of the overlap counts"
    return text, rng.randint(80, 100), rng.randint(20, 50), cause


def the_end_of_a_long_word(rng: Random) -> Case:
    """No word begins in the overlap, but one begins right behind it."""
    word, other = "".join(made_up(rng, 9)), made_up(rng, 1)[0]
    cause = "a word counts only if it begins before `start`. Without one, the first letter counts"
    return f"{word} {other}", len(word) + 1, rng.randint(20, 50), cause


def letters_with_accents(rng: Random) -> Case:
    """No word begins in the overlap, and its first index is an accent."""
    text = "".join(letter + ACCENT for letter in "".join(made_up(rng, 4)))
    start = 2 * rng.randint(14, 18)
    cause = "without a word, the first index that `is_character_start` accepts counts"
    return text, start, 2 * rng.randint(3, 6) + 1, cause


def accents_alone(rng: Random) -> Case:
    """A letter with so many accents that no letter begins in the overlap."""
    text = "a" + ACCENT * rng.randint(20, 25) + "b" * 9
    cause = "if neither a word nor a letter begins there, return `start`"
    return text, text.index("b"), rng.randint(4, 9), cause


def no_overlap(rng: Random) -> Case:
    """Nothing is repeated."""
    words = made_up(rng, 4)
    text = " ".join(words)
    return (
        text,
        text.index(words[2]),
        0,
        "with an overlap of 0, nothing is repeated: return `start`",
    )


TEXTS = (
    words_of_one_line,
    a_word_at_the_first_index,
    the_beginning_of_the_text,
    white_space_at_the_beginning,
    *(divided_by(blank, name) for name, blank in BLANKS.items()),
    one_long_word,
    the_end_of_a_long_word,
    letters_with_accents,
    accents_alone,
    no_overlap,
)
