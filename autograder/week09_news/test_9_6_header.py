"""9.6: `header_text`, which makes one line of any title."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Student, fail
from autograder.week09_news.digest_cases import (
    MAIL,
    word,
)

pytestmark = pytest.mark.item("9.6")

MAX_HEADER_CHARS = 120


def unprintable(rng: Random) -> list[str]:
    """Some signs that cannot be printed: of all there are, and of those that turn the text around."""
    every = [chr(n) for n in range(0x3000) if not chr(n).isprintable() and not chr(n).isspace()]
    return [
        *rng.sample(every, 8),
        *rng.sample("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068", 2),
    ]


def test_text_for_a_header(student: Student, rng: Random) -> None:
    """c, d: one line, without what cannot be printed, and with everything else."""
    one, two = word(rng), word(rng)
    cases = {
        f"{one}\r\nBcc: {two}@x.test": f"{one} Bcc: {two}@x.test",
        f"{one}\n{two}": f"{one} {two}",
        f"{one}\r{two}": f"{one} {two}",
        f"{one}\x00\x0b\x85\u2028{two}": f"{one} {two}",
        f" {one}\t \x1b {two}\n": f"{one} {two}",
        f"Grüße, {one} – „{two}“ 日本": f"Grüße, {one} – „{two}“ 日本",
        "": "",
    }
    for sign in unprintable(rng):
        cases[f"{one}{sign}{sign}{two}"] = f"{one} {two}"
    for text, expected in cases.items():
        value = student.call(MAIL, "header_text", text)
        if value != expected:
            cause = "every run of what is white space or not printable becomes one space; the rest stays"
            fail(sent=f"header_text({text!r})", expected=repr(expected), got=value, cause=cause)


def test_a_long_title_is_cut(student: Student, rng: Random) -> None:
    """d: the first characters stay. They are counted when the line is clean."""
    text = "".join(rng.choices("abcdefgh", k=MAX_HEADER_CHARS + rng.randint(1, 400)))
    wide = "\t" * rng.randint(1, 300) + text[:9] + " \n" * rng.randint(10, 300) + text[9:]
    narrow = f"{text[:9]} {text[9:]}"
    cases = [(text, text), (text[:MAX_HEADER_CHARS], text), (wide, narrow)]
    for given, whole in cases:
        value = student.call(MAIL, "header_text", given)
        if value != whole[:MAX_HEADER_CHARS]:
            fail(
                sent=f"header_text() of {len(given)} characters",
                expected=f"the first {MAX_HEADER_CHARS}: {whole[:MAX_HEADER_CHARS]}",
                got=value,
                cause="keep the first `MAX_HEADER_CHARS` characters of the line that c and d give: "
                "make it clean, and then cut it",
            )
