"""What a trend is made of: windows, counts of terms, and the limits of a list. Given to students complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in UTC. A moment belongs to it if `start <= moment < end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """In how many articles each term is."""

    articles: int
    """How many articles were counted, those without any term included."""
    terms: Mapping[str, int]
    """The number of articles that have the term, from 1 to `articles`."""

    @property
    def total(self) -> int:
        """The sum of all numbers in `terms`."""
        return sum(self.terms.values())


@dataclass(frozen=True, slots=True)
class Limits:
    """What the list of trends may contain."""

    min_articles: int = 3
    """A term in fewer articles of the window is no trend."""
    min_score: float = 1.0
    """A term with a lower score is no trend."""
    top: int = 20
    """The most trends in a list."""
    prior: float = 1_000.0
    """The weight of the prior, in pairs of an article and a term. With more weight, a new term scores more."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A term that is more frequent in a window than before."""

    term: str
    score: float
    """The z-score of the log-odds ratio."""
    articles: int
    """How many articles of the window have the term."""
    baseline: int
    """How many articles of the earlier windows have it."""
