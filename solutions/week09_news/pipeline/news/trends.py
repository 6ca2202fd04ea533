"""Finds the terms that are more frequent in one window of the news than in the windows before.

The method is the log-odds ratio with an informative Dirichlet prior, from Monroe, Colaresi and Quinn,
"Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political Conflict",
Political Analysis 16 (2008), section 3.5.1. It compares how likely a term is in the window and in the
baseline, and divides the difference by its standard deviation. So a rare term needs more evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
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
    # BEGIN SOLUTION 9.4
    # ? a) Return the window with `start <= moment < end` and `end - start == length`, in UTC. Its start is
    # ? a whole number of lengths after `EPOCH`, so every process finds the same windows.
    # ? b) Raise `ValueError` if the moment has no time zone. Python would take it for local time.
    if moment.utcoffset() is None:
        raise ValueError("a moment needs a time zone")
    start = EPOCH + (moment - EPOCH) // length * length
    return Window(start, start + length)
    # END SOLUTION


def last_closed(now: datetime, length: timedelta) -> Window:
    """Return the newest window that is over.

    Args:
        now: the present time, with a time zone.
        length: the length of all windows, in whole seconds.

    Returns:
        The window before the one that `now` belongs to. The window of `now` still gets articles.
    """
    # BEGIN SOLUTION 9.4
    # ? c) Return the window that ends where the window of `now` starts, also if `now` is that moment.
    return window_of(window_of(now, length).start - length, length)
    # END SOLUTION


def count_terms(texts: Iterable[str]) -> Counts:
    """Count in how many articles each term is.

    Args:
        texts: the title and text of each article. It may be a stream, which can be read once.

    Returns:
        The number of articles, and the number of articles for each term.
    """
    # BEGIN SOLUTION 9.4
    # ? d) Split each text by `words`. Count a term once for each article that has it, so that an article
    # ? that repeats a word a hundred times has one vote.
    # ? e) Count every article in `articles`, also one without terms. Read `texts` only once.
    articles, terms = 0, Counter[str]()
    for text in texts:
        articles += 1
        terms.update(set(words(text)))
    return Counts(articles, terms)
    # END SOLUTION


def z_score(count: int, total: int, earlier: int, earlier_total: int, prior: float) -> float:
    """Compare how frequent a term is in a window and in the baseline.

    Args:
        count: the term's number in the window. `count + earlier` is at least 1.
        total: the sum of all terms' numbers in the window, at least `count` and 1.
        earlier: the term's number in the baseline.
        earlier_total: the sum of all terms' numbers in the baseline, at least `earlier` and 1.
        prior: the weight of the prior, at least 1. With a much smaller one, the rounding of the numbers
            can leave odds of zero, which have no logarithm.

    Returns:
        The z-score. It is positive if the term is more frequent in the window.
    """
    # BEGIN SOLUTION 9.4
    # ? f) Compute the term's share of the prior: `a = prior * (count + earlier) / (total + earlier_total)`.
    # ? g) Compute the logarithm of the odds in each group. In the window it is
    # ? `log((count + a) / (total + prior - count - a))`, and in the baseline the same with its two numbers.
    # ? h) Divide the difference (window minus baseline) by the standard deviation
    # ? `sqrt(1 / (count + a) + 1 / (earlier + a))`. Return this quotient.
    # ? i) Return 0.0 if no other term is in either group (`count == total` and `earlier == earlier_total`):
    # ? without other terms there are no odds.
    if count == total and earlier == earlier_total:
        return 0.0
    share = prior * (count + earlier) / (total + earlier_total)
    now, before = count + share, earlier + share
    difference = math.log(now / (total + prior - now)) - math.log(
        before / (earlier_total + prior - before)
    )
    return difference / math.sqrt(1 / now + 1 / before)
    # END SOLUTION


def find_trends(window: Counts, history: Counts, limits: Limits) -> list[Trend]:
    """Find the terms that are more frequent in a window than before.

    Args:
        window: the counts of the window.
        history: the counts of the windows before it, together.
        limits: what the list may contain.

    Returns:
        The trends, the highest score first. The same counts always give the same list.
    """
    # BEGIN SOLUTION 9.4
    # ? j) Return an empty list if the history has no terms. With nothing to compare, every term would seem
    # ? to be a trend.
    # ? k) Leave out the terms that are in fewer than `limits.min_articles` articles of the window.
    # ? l) Score each other term by `z_score`, with `Counts.total` of both groups and `limits.prior`. A term
    # ? that the history does not have counts 0 there. Leave out the scores below `limits.min_score`.
    # ? m) Sort by score, the highest first, and equal scores by the term. Return at most `limits.top`
    # ? trends, each with its score and its numbers of articles in the window and in the history.
    if not history.terms:
        return []
    total, earlier_total = window.total, history.total
    found = []
    for term, count in window.terms.items():
        if count >= limits.min_articles:
            earlier = history.terms.get(term, 0)
            score = z_score(count, total, earlier, earlier_total, limits.prior)
            if score >= limits.min_score:
                found.append(Trend(term, score, count, earlier))
    found.sort(key=lambda trend: (-trend.score, trend.term))
    return found[: limits.top]
    # END SOLUTION
