"""Finds the terms that are more frequent in one window of the news than in the windows before.

The method is the log-odds ratio with an informative Dirichlet prior, from Monroe, Colaresi and Quinn,
"Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political Conflict",
Political Analysis 16 (2008), section 3.5.1. It compares how likely a term is in the window and in the
baseline, and divides the difference by its standard deviation. So a rare term needs more evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pipeline.news.trend_model import EPOCH, Counts, Limits, Trend, Window
from pipeline.news.words import words


def window_of(moment: datetime, length: timedelta) -> Window:
    """Return the window that a moment belongs to.

    Args:
        moment: a time with any time zone.
        length: the length of all windows, in whole seconds.

    Returns:
        The window, in UTC.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone")
    start = EPOCH + (moment - EPOCH) // length * length
    return Window(start, start + length)


def last_closed(now: datetime, length: timedelta) -> Window:
    """Return the newest window that is over.

    Args:
        now: the present time, with a time zone.
        length: the length of all windows, in whole seconds.

    Returns:
        The window before the one that `now` belongs to. The window of `now` still gets articles.
    """
    end = window_of(now, length).start
    return Window(end - length, end)


def count_terms(texts: Iterable[str]) -> Counts:
    """Count in how many articles each term is.

    Args:
        texts: the title and text of each article. It may be a stream, which can be read once.

    Returns:
        The number of articles, and the number of articles for each term.
    """
    articles, terms = 0, Counter[str]()
    for text in texts:
        articles += 1
        terms.update(set(words(text)))
    return Counts(articles, terms)


def log_odds(count: int, total: int, share: float, prior: float) -> float:
    """Return the logarithm of a term's odds in one group, with the prior.

    The whole numbers are subtracted first: a small prior would vanish beside a large total.
    """
    return math.log((count + share) / ((total - count) + (prior - share)))


def z_score(count: int, total: int, earlier: int, earlier_total: int, prior: float) -> float:
    """Compare how frequent a term is in a window and in the baseline.

    Args:
        count: the term's number in the window. `count + earlier` is at least 1.
        total: the sum of all terms' numbers in the window, at least `count` and 1.
        earlier: the term's number in the baseline.
        earlier_total: the sum of all terms' numbers in the baseline, at least `earlier` and 1.
        prior: the weight of the prior, more than 0.

    Returns:
        The z-score. It is positive if the term is more frequent in the window.
    """
    if count == total and earlier == earlier_total:
        return 0.0
    share = prior * (count + earlier) / (total + earlier_total)
    difference = log_odds(count, total, share, prior) - log_odds(
        earlier, earlier_total, share, prior
    )
    return difference / math.sqrt(1 / (count + share) + 1 / (earlier + share))


def score_terms(window: Counts, history: Counts, limits: Limits) -> Iterator[Trend]:
    """Score each term that is in enough articles of the window. The history has at least one term."""
    total, earlier_total = window.total, history.total
    for term, count in window.terms.items():
        if count >= limits.min_articles:
            earlier = history.terms.get(term, 0)
            score = z_score(count, total, earlier, earlier_total, limits.prior)
            yield Trend(term, score, count, earlier)


def rank(trend: Trend) -> tuple[float, str]:
    """Return the key of the order: the highest score first, and equal scores by the term."""
    return -trend.score, trend.term


def find_trends(window: Counts, history: Counts, limits: Limits) -> list[Trend]:
    """Find the terms that are more frequent in a window than before.

    Args:
        window: the counts of the window.
        history: the counts of the windows before it, together.
        limits: what the list may contain.

    Returns:
        The trends, the highest score first. The same counts always give the same list.
    """
    if not history.terms:
        return []
    scored = score_terms(window, history, limits)
    trends = (trend for trend in scored if trend.score >= limits.min_score)
    return sorted(trends, key=rank)[: limits.top]
