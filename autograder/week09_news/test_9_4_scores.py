"""9.4: scores, and the list of trends.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned values, which the grader calculates itself.
- place: words, counts, windows and limits are random.
- store: nothing is stored.
- probe: the functions see their arguments only.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.week09_news.trend_cases import (
    TRENDS,
    close,
    counts,
    found_trends,
    term,
    z_score,
)

pytestmark = pytest.mark.item("9.4")

ALL = {"min_articles": 1, "min_score": -1e9, "top": 1_000, "prior": 50.0}
"""Limits that leave nothing out."""


GAP = 0.01
"""The least difference of two scores whose order is checked."""


def test_the_score(student: Student, rng: Random) -> None:
    """f, g, h: the z-score of the log-odds ratio with the prior."""
    cases: list[tuple[int, int, int, int, float]] = []
    for _ in range(4):
        total, earlier_total = rng.randint(300, 900), rng.randint(2_000, 9_000)
        prior = rng.uniform(20, 400)
        cases += [
            (rng.randint(5, 40), total, rng.randint(1, 100), earlier_total, prior),
            (rng.randint(2, 9), total, 0, earlier_total, prior),
            (0, total, rng.randint(2, 90), earlier_total, prior),
            (total, total, rng.randint(2, 90), earlier_total, prior),
            (rng.randint(2, 9), total, earlier_total, earlier_total, prior),
        ]
    for case in cases:
        value = student.call(TRENDS, "z_score", *case)
        expected = z_score(*case)
        if not close(value, expected):
            fail(
                sent=f"z_score{case}",
                expected=f"{expected:.6f}",
                got=value,
                cause="compare it with f, g and h: the share of the prior, the two logarithms of the "
                "odds, and the standard deviation. Is the prior in all of them?",
            )


def test_a_single_term_has_no_odds(student: Student, rng: Random) -> None:
    """i: 0.0 where no other term is in either group."""
    total, earlier = rng.randint(3, 9), rng.randint(3, 90)
    answer = student.ask(TRENDS, "z_score", total, total, earlier, earlier, 100.0)
    if not answer.ok or not close(answer.value, 0.0):
        fail(
            sent=f"z_score({total}, {total}, {earlier}, {earlier}, 100.0): the only term of both groups",
            expected="0.0",
            got=answer.value if answer.ok else f"{answer.error}: {answer.message}",
            cause="the odds divide by the numbers of the other terms, and there are none",
        )


def test_without_a_history_there_are_no_trends(student: Student, rng: Random) -> None:
    """j: an empty history gives an empty list, also if it has articles without terms."""
    window = {term(rng): rng.randint(5, 30) for _ in range(8)}
    for articles in (0, rng.randint(2, 9)):
        sent = f"find_trends() with a history of {articles} articles and no terms"
        value = found_trends(student, sent, counts(40, window), counts(articles, {}), **ALL)
        if value != []:
            cause = "with nothing to compare, every term would seem to be a trend"
            fail(sent=sent, expected="[]", got=value, cause=cause)


def test_a_rare_term_is_no_trend(student: Student, rng: Random) -> None:
    """k, l: the floor is a number of articles of the window, and the floor itself is enough."""
    floor = rng.randint(4, 7)
    enough, rare, before = (term(rng) for _ in range(3))
    window = {enough: floor, rare: floor - 1, before: floor - 1}
    history = {term(rng): 60 for _ in range(6)} | {before: 50, enough: 1, rare: 1}
    sent = f"find_trends() with min_articles={floor} and terms in {floor} and {floor - 1} articles"
    bounds = {**ALL, "min_articles": floor}
    value = found_trends(student, sent, counts(30, window), counts(200, history), **bounds)
    got = [one["term"] for one in value]
    if got != [enough]:
        cause = "compare the articles of the window alone with `min_articles`: `<` leaves out"
        fail(sent=sent, expected=str([enough]), got=got, cause=cause)
    score = z_score(floor, sum(window.values()), 1, sum(history.values()), ALL["prior"])
    if not close(value[0]["score"], score):
        cause = "`Counts.total` counts all terms of the window, also those that are too rare"
        fail(sent=sent, expected=f"the score {score:.6f}", got=value[0], cause=cause)


def test_the_trends_of_a_window(student: Student, rng: Random) -> None:
    """l, m: every term has its score, and its numbers in both groups; the highest is first."""
    prior = rng.uniform(20, 200)
    window, history = busy(rng, prior)
    expected = ranked(window, history, prior)
    sent = f"find_trends() with {len(window)} terms, and limits that leave out none"
    bounds = {**ALL, "prior": prior}
    value = found_trends(student, sent, counts(60, window), counts(400, history), **bounds)
    got = [one["term"] for one in value]
    if got != [name for name, _ in expected]:
        cause = "sort by the score, the highest first; terms of the window are scored, no others"
        if sorted(got) != sorted(window):
            cause = "each term of the window is scored, also one that the history does not have"
        fail(sent=sent, expected=str([name for name, _ in expected]), got=got, cause=cause)
    for one, (name, score) in zip(value, expected, strict=True):
        wanted = {"articles": window[name], "baseline": history.get(name, 0)}
        if {key: one[key] for key in wanted} != wanted:
            cause = "`articles` is the window's number, and `baseline` the history's"
            fail(sent=sent, expected=f"{name!r} with {wanted}", got=one, cause=cause)
        if not close(one["score"], score):
            cause = "`z_score` takes `Counts.total` of each group, and `limits.prior`"
            fail(sent=sent, expected=f"{name!r} with the score {score:.6f}", got=one, cause=cause)


def test_low_scores_are_left_out(student: Student, rng: Random) -> None:
    """l: a term that is as frequent as before is no trend."""
    window, history = busy(rng)
    scores = ranked(window, history, ALL["prior"])
    place = rng.randint(2, 4)
    least = (scores[place][1] + scores[place - 1][1]) / 2
    sent = f"find_trends() with min_score={least:.3f}"
    bounds = {**ALL, "min_score": least}
    value = found_trends(student, sent, counts(60, window), counts(400, history), **bounds)
    got, expected = [one["term"] for one in value], [name for name, _ in scores[:place]]
    if got != expected:
        cause = "leave out the scores below `limits.min_score`, which is another number in each run"
        fail(sent=sent, expected=str(expected), got=got, cause=cause)


def test_the_least_score_is_enough(student: Student, rng: Random) -> None:
    """l: a score that is exactly the least one stays."""
    name = term(rng)
    window, history = counts(9, {name: rng.randint(5, 9)}), counts(99, {name: rng.randint(20, 90)})
    sent = "find_trends() with min_score=0.0 and a single term, whose score is 0.0"
    value = found_trends(student, sent, window, history, **{**ALL, "min_score": 0.0})
    got = [one["term"] for one in value]
    if got != [name]:
        cause = "leave out the scores below `limits.min_score`, and not those that are equal to it"
        fail(sent=sent, expected=str([name]), got=got, cause=cause)


def test_equal_scores_are_sorted_by_term(student: Student, rng: Random) -> None:
    """m: the same counts give the same list, in whichever order they come."""
    taken: set[str] = set()
    equal = [term(rng, taken) for _ in range(8)]
    top = term(rng, taken)
    history = {term(rng, taken): 40 for _ in range(6)}
    for _ in range(3):
        rng.shuffle(equal)
        window = dict.fromkeys(equal, 5) | {top: 25}
        sent = "find_trends() with eight terms of equal counts, in an order of chance"
        value = found_trends(student, sent, counts(60, window), counts(300, history), **ALL)
        got, expected = [one["term"] for one in value], [top, *sorted(equal)]
        if got != expected:
            cause = "sort by two keys: the score, highest first, and then the term, from a to z"
            fail(sent=sent, expected=str(expected), got=got, cause=cause)


def test_the_list_is_bounded(student: Student, rng: Random) -> None:
    """m: only the best are in it."""
    window, history = busy(rng)
    top = rng.randint(3, 6)
    scores = ranked(window, history, ALL["prior"])
    sent = f"find_trends() with {len(window)} terms and top={top}"
    bounds = {**ALL, "top": top}
    value = found_trends(student, sent, counts(60, window), counts(400, history), **bounds)
    got, expected = [one["term"] for one in value], [name for name, _ in scores[:top]]
    if got != expected:
        cause = "sort all of them, and keep the first `limits.top`"
        fail(sent=sent, expected=str(expected), got=got, cause=cause)


def busy(rng: Random, prior: Any = ALL["prior"]) -> tuple[dict[str, int], dict[str, int]]:
    """A window and a history whose terms all have another score. Some terms are in one group only."""
    while True:
        window, history = _drawn(rng)
        scores = [score for _, score in ranked(window, history, prior)]
        if min(one - two for one, two in pairwise(scores)) > GAP:
            return window, history


def _drawn(rng: Random) -> tuple[dict[str, int], dict[str, int]]:
    taken: set[str] = set()
    numbers = rng.sample(range(4, 40), 10)
    shared = {term(rng, taken): number for number in numbers}
    fresh = {term(rng, taken): number for number in (3, 7)}
    history = {name: 3 * numbers[-place] + place for place, name in enumerate(shared, 1)}
    gone = {term(rng, taken): rng.randint(20, 60) for _ in range(3)}
    together = [*(shared | fresh).items()]
    rng.shuffle(together)
    return dict(together), history | gone


def ranked(window: dict[str, int], history: dict[str, int], prior: Any) -> list[tuple[str, float]]:
    """The terms of a window with their scores, the highest first."""
    total, before = sum(window.values()), sum(history.values())
    scores = {
        name: z_score(number, total, history.get(name, 0), before, prior)
        for name, number in window.items()
    }
    return sorted(scores.items(), key=lambda pair: -pair[1])
