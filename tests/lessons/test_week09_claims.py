"""What week 9's lessons calculate in their text, calculated here by other code."""

from __future__ import annotations

import re
from math import log, sqrt

from bootcamp import paths
from bootcamp.authoring.pages import Page

TRENDS = Page.read(paths.LESSONS / "week09_news" / "04_trends.md")
NOW, BEFORE = 10_000, 200_000
"""Pairs of an article and a term, in the window and in the baseline."""


def z_score(now: int, before: int, weight: float) -> float:
    """The log-odds ratio with an informative Dirichlet prior, equations 16, 20 and 22 of the paper."""
    alpha = weight * (now + before) / (NOW + BEFORE)
    odds = [
        log((count + alpha) / (total + weight - count - alpha))
        for count, total in ((now, NOW), (before, BEFORE))
    ]
    return (odds[0] - odds[1]) / sqrt(1 / (now + alpha) + 1 / (before + alpha))


def test_the_table_of_scores() -> None:
    (table,) = (table for table in TRENDS.tables() if table[0] == ["word", "now", "before", "z"])
    for word, now, before, shown in table[1:]:
        score = z_score(int(now), int(before.replace(",", "")), 1000)
        assert f"{score:.1f}" == shown, word


def test_the_weight_of_the_prior_decides_about_new_terms() -> None:
    text = " ".join(TRENDS.text.split())
    stated = re.search(
        r"none before has only ([\d.]+)\. With 1,000 it has ([\d.]+)\. "
        r"With 10,000 it has ([\d.]+), but \*kraken\* has ([\d.]+)",
        text,
    )
    assert stated
    scores = [z_score(24, 0, weight) for weight in (100, 1_000, 10_000)]
    assert stated.groups() == tuple(f"{one:.1f}" for one in (*scores, z_score(2, 0, 10_000)))
