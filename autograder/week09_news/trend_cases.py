"""The grader's own idea of trends: inputs of chance, and what must come out."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from autograder.sdk import Student, fail, made

TRENDS = "pipeline.news.trends"
MODEL = "pipeline.news.trend_model"
TOLERANCE = 1e-6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(value: datetime) -> dict[str, Any]:
    """A time as an argument."""
    return made("datetime", "datetime.fromisoformat", value.isoformat())


def span(length: timedelta) -> dict[str, Any]:
    """A length as an argument."""
    return made("datetime", "timedelta", seconds=length.total_seconds())


def counts(articles: int, terms: Mapping[str, int]) -> dict[str, Any]:
    """`Counts` as an argument."""
    return made(MODEL, "Counts", articles, dict(terms))


def limits(**values: Any) -> dict[str, Any]:
    """`Limits` as an argument."""
    return made(MODEL, "Limits", **values)


def term(rng: Random, taken: set[str] | None = None) -> str:
    """A word that no text has by chance, and no list of stop words."""
    taken = set() if taken is None else taken
    while (word := "".join(rng.choices(string.ascii_lowercase, k=9))) in taken:
        pass
    taken.add(word)
    return word


def z_score(count: int, total: int, earlier: int, earlier_total: int, prior: float) -> float:
    """Monroe, Colaresi and Quinn (2008), with the corpus of both groups as the prior."""
    alpha = prior * (count + earlier) / (total + earlier_total)
    first = math.log(count + alpha) - math.log(total + prior - count - alpha)
    second = math.log(earlier + alpha) - math.log(earlier_total + prior - earlier - alpha)
    return (first - second) / math.sqrt(1 / (count + alpha) + 1 / (earlier + alpha))


def close(value: Any, expected: float) -> bool:
    """Whether an answer is this number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isclose(value, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def time_of(value: Any) -> datetime | None:
    """A time in an answer, or None if it is none with a time zone."""
    if not isinstance(value, dict) or value.get("__type__") != "datetime":
        return None
    try:
        found = datetime.fromisoformat(str(value.get("value")))
    except ValueError:
        return None
    return found if found.utcoffset() is not None else None


def check_window(sent: str, value: Any, start: datetime, length: timedelta, cause: str) -> None:
    """An answer must be this window, in UTC."""
    pair = (value.get("start"), value.get("end")) if isinstance(value, dict) else (None, None)
    times = tuple(time_of(one) for one in pair)
    if times != (start, start + length):
        expected = f"Window(start={start.isoformat()}, end={(start + length).isoformat()})"
        fail(sent=sent, expected=expected, got=value, cause=cause)
    if any(one is None or one.utcoffset() != timedelta(0) for one in times):
        cause = "the moment has another time zone: begin with `EPOCH`, which is in UTC"
        fail(sent=sent, expected="a window in UTC", got=value, cause=cause)


def found_trends(
    student: Student, sent: str, window: dict[str, Any], history: dict[str, Any], **bounds: Any
) -> list[dict[str, Any]]:
    """What `find_trends` returns, if it is a list of trends."""
    value = student.call(TRENDS, "find_trends", window, history, limits(**bounds))
    fields = {"term", "score", "articles", "baseline"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and set(one) == fields for one in value
    ):
        fail(sent=sent, expected="a list of `Trend`", got=value)
    return value
