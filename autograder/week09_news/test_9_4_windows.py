"""9.4: windows of time, and the counts of terms in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest

from autograder.sdk import Student, answers, fail, made
from autograder.week09_news.trend_cases import (
    EPOCH,
    TRENDS,
    check_window,
    moment,
    span,
    term,
)

pytestmark = pytest.mark.item("9.4")

ALIGNED = "Count whole lengths from `EPOCH` (`//`), not hours of a calendar day, also before 1970"
STEP = timedelta(microseconds=1)
ZONES = (timedelta(0), timedelta(hours=9), timedelta(hours=-3, minutes=-30))


def lengths(rng: Random) -> list[timedelta]:
    """Lengths that no calendar suggests are among them."""
    odd = timedelta(seconds=rng.randint(1_000, 90_000))
    return [timedelta(hours=6), timedelta(hours=1), timedelta(days=7), odd]


def some_start(rng: Random, length: timedelta) -> datetime:
    """The start of one window of the last years."""
    newest = (datetime(2026, 1, 1, tzinfo=UTC) - EPOCH) // length
    return EPOCH + rng.randint(newest // 2, newest) * length


def test_the_window_of_a_moment(student: Student, rng: Random) -> None:
    """a: half-open, aligned to the epoch, in UTC, whatever time zone the moment has."""
    starts = [(length, some_start(rng, length)) for length in lengths(rng)]
    starts += [(length, EPOCH - rng.randint(1, 999) * length) for length in lengths(rng)]
    for length, start in starts:
        cases = {
            "somewhere inside": (start + length * rng.uniform(0.1, 0.9), "divide by the length"),
            "at its start": (start, "the start belongs to the window: `start <= moment`"),
            "right before its end": (start + length - STEP, "the window ends at `end`, not before"),
        }
        for place, (when, cause) in cases.items():
            local = when.astimezone(timezone(rng.choice(ZONES)))
            sent = f"window_of({local.isoformat()}, {length}), {place}"
            value = student.call(TRENDS, "window_of", moment(local), span(length))
            check_window(sent, value, start, length, f"{cause}. {ALIGNED}")


def test_the_end_belongs_to_the_next_window(student: Student, rng: Random) -> None:
    """a: a moment belongs to one window only."""
    for length in lengths(rng):
        end = some_start(rng, length)
        sent = f"window_of({end.isoformat()}, {length}), where one window ends and one starts"
        value = student.call(TRENDS, "window_of", moment(end), span(length))
        check_window(sent, value, end, length, "a moment at `end` belongs to the next window")


def test_a_moment_without_a_time_zone(student: Student, rng: Random) -> None:
    """b: it is refused, because nobody knows which moment it is."""
    when = some_start(rng, timedelta(hours=1)).replace(tzinfo=None)
    sent = f"window_of({when.isoformat()}, 6:00:00), a time without a time zone"
    answer = student.ask(TRENDS, "window_of", moment(when), span(timedelta(hours=6)))
    cause = "Python takes it for local time: look at `moment.utcoffset()`"
    answers.must_raise(sent, answer, "ValueError", cause)


def test_the_last_window_that_is_over(student: Student, rng: Random) -> None:
    """c: the window before that of the present moment, also at the boundary."""
    for length in lengths(rng):
        start = some_start(rng, length)
        cases = {
            "inside a window": start + length * rng.uniform(0.1, 0.9),
            "at the start of a window": start,
            "right before the end of a window": start + length - STEP,
        }
        for place, now in cases.items():
            local = now.astimezone(timezone(rng.choice(ZONES)))
            sent = f"last_closed({local.isoformat()}, {length}), {place}"
            value = student.call(TRENDS, "last_closed", moment(local), span(length))
            cause = (
                "the window of `now` still gets articles: take the one that ends where it starts"
            )
            check_window(sent, value, start - length, length, cause)


def test_an_article_counts_once(student: Student, rng: Random) -> None:
    """d, e: articles that have a term are counted, and not how often they repeat it."""
    loud, common, rare = (term(rng) for _ in range(3))
    texts = [
        f"{loud} " * rng.randint(5, 20),
        f"The {common.upper()} and the {rare}.",
        f"{common}, {common} and {common}",
        "The of and the.",
        "",
    ]
    rng.shuffle(texts)
    expected = {loud: 1, common: 2, rare: 1}
    value = student.call(TRENDS, "count_terms", texts)
    sent = f"count_terms() of five texts, one of which repeats {loud!r}"
    terms = value.get("terms") if isinstance(value, dict) else None
    if terms != expected:
        cause = "`words` returns a word as often as the text has it: an article has one vote"
        fail(sent=sent, expected=f"the terms {expected}", got=terms, cause=cause)
    if value.get("articles") != len(texts):
        cause = "an article without terms is an article too"
        fail(sent=sent, expected="articles=5", got=value.get("articles"), cause=cause)


def test_texts_may_be_a_stream(student: Student, rng: Random) -> None:
    """e: what can be read once is read once."""
    word = term(rng)
    number = rng.randint(3, 9)
    stream = made("builtins", "iter", [f"{word} {term(rng)}" for _ in range(number)])
    value = student.call(TRENDS, "count_terms", stream)
    got = (value.get("articles"), value.get("terms", {}).get(word)) if value else None
    if got != (number, number):
        fail(
            sent=f"count_terms() of a stream of {number} texts that all have {word!r}",
            expected=f"articles={number} and {word!r} in {number} of them",
            got=value,
            cause="a second pass over the texts finds none: count both in one loop",
        )
