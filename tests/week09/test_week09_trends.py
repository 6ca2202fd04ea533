"""Trends: the method's properties, for inputs that hypothesis makes, and its run on PostgreSQL."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment

LAYERS = reference_layers(find_week("week09_news"))
for layer in LAYERS:
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))

from pipeline.news.trend_model import EPOCH, Counts, Limits  # noqa: E402 - the path comes first
from pipeline.news.trends import (  # noqa: E402
    count_terms,
    find_trends,
    last_closed,
    window_of,
    z_score,
)
from pipeline.news.words import STOP_WORDS, words  # noqa: E402

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1), timezones=zones)
lengths = st.integers(1, 8 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
names = st.text("abcdefg", min_size=3, max_size=5)
frequencies = st.dictionaries(names, st.integers(1, 60), min_size=0, max_size=25)
counts = frequencies.map(lambda terms: Counts(sum(terms.values()), terms))
limits = st.builds(
    Limits,
    min_articles=st.integers(1, 8),
    min_score=st.floats(0, 4),
    top=st.integers(1, 12),
    prior=st.floats(1, 5_000),
)


@QUICK
@given(moments, lengths)
def test_each_moment_belongs_to_one_window(moment, length):
    window = window_of(moment, length)
    assert window.start <= moment < window.end
    assert window.end - window.start == length
    assert (window.start - EPOCH) % length == timedelta(0)
    assert window.start.utcoffset() == timedelta(0)
    assert window_of(window.start, length) == window
    assert window_of(window.end, length).start == window.end
    closed = last_closed(moment, length)
    assert closed.end == window.start
    assert closed == window_of(window.start - timedelta(microseconds=1), length)


@QUICK
@given(st.lists(st.lists(names, max_size=12), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_articles_and_words_changes_nothing(articles, random):
    first = count_terms(" ".join(one) for one in articles)
    shuffled = [random.sample(one * 2, 2 * len(one)) for one in articles]  # each word twice
    random.shuffle(shuffled)
    assert count_terms(iter([" ".join(one) for one in shuffled])) == first
    assert first.articles == len(articles)
    assert all(1 <= number <= first.articles for number in first.terms.values())


@QUICK
@given(st.text(max_size=200))
def test_words_of_any_text(text):
    found = words(text)
    assert not STOP_WORDS & set(found)
    assert all(3 <= len(word) <= 40 and "\n" not in word for word in found)
    assert words(" ".join(found)) == found or any(not word.isascii() for word in found)


scored = st.tuples(
    st.integers(1, 80),
    st.integers(1, 900),
    st.integers(0, 80),
    st.integers(1, 9_000),
    st.floats(1, 5_000),
).map(lambda one: (one[0], one[0] + one[1], one[2], one[2] + one[3], one[4]))
"""A count, its total, an earlier count, its total, and a prior. There are other terms in both groups."""


@QUICK
@given(scored)
def test_a_score_is_a_number_with_the_sign_of_the_change(values):
    count, total, earlier, earlier_total, prior = values
    score = z_score(*values)
    assert math.isfinite(score)
    change = count * earlier_total - earlier * total
    if change:
        assert (score > 0) == (change > 0)
    else:
        assert abs(score) < 1e-6
    assert z_score(earlier, earlier_total, count, total, prior) == pytest.approx(-score, abs=1e-9)


@QUICK
@given(scored)
def test_more_articles_with_a_term_give_no_lower_score(values):
    count, total, earlier, earlier_total, prior = values
    assume(earlier > 0 and count * earlier_total >= earlier * total)
    more = z_score(count + 1, total + 1, earlier, earlier_total, prior)
    assert more >= z_score(*values) - 1e-9


@QUICK
@given(scored)
def test_twice_the_evidence_is_further_from_zero(values):
    count, total, earlier, earlier_total, prior = values
    once = z_score(*values)
    twice = z_score(2 * count, 2 * total, 2 * earlier, 2 * earlier_total, prior)
    assert abs(twice) >= abs(once) - 1e-9


@QUICK
@given(counts, counts, limits, st.randoms(use_true_random=False))
def test_the_list_keeps_its_limits_and_its_order(window, history, bounds, random):
    found = find_trends(window, history, bounds)
    assert len(found) <= bounds.top
    for one in found:
        assert one.articles == window.terms[one.term] >= bounds.min_articles
        assert one.baseline == history.terms.get(one.term, 0)
        assert one.score >= bounds.min_score
    assert [(-one.score, one.term) for one in found] == sorted(
        (-one.score, one.term) for one in found
    )
    items = list(window.terms.items())
    random.shuffle(items)
    assert find_trends(Counts(window.articles, dict(items)), history, bounds) == found


@QUICK
@given(counts, limits)
def test_no_history_gives_no_trends_and_the_same_again_none_either(window, bounds):
    assert find_trends(window, Counts(0, {}), bounds) == []
    assert all(one.score < 1e-6 for one in find_trends(window, window, bounds))


@QUICK
@given(names, st.integers(1, 99), st.integers(1, 99), limits)
def test_a_single_term_is_no_trend(name, number, earlier, bounds):
    found = find_trends(Counts(number, {name: number}), Counts(earlier, {name: earlier}), bounds)
    assert all(one.score == 0.0 for one in found)


def test_every_process_makes_the_same_list():
    code = (
        "from pipeline.news.trends import *; from pipeline.news.trend_model import *\n"
        "texts = [f'lamp keeper{c} storm{c}{c} harbour' for c in 'abcdefgh'] * 3\n"
        "before = ['lamp harbour quiet', 'harbour quiet calm'] * 9\n"
        "print(find_trends(count_terms(texts), count_terms(before), Limits(min_score=0)))"
    )
    env = layer_environment({}, LAYERS)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**env, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert "keepera" in outputs.pop()


def test_the_last_window_is_computed_and_computed_again(run: Run):
    env = layer_environment(run.environment(), LAYERS)

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    python("-m", "pipeline.migrate")
    now = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
    end = datetime(2026, 11, 29, 12, tzinfo=UTC)
    compute = f"from pipeline.news.trend_run import *; import datetime; print(compute_last_window({now!r}))"

    with psycopg.connect(run.database_url, autocommit=True) as database:

        def add(published: datetime, text: str, number: int) -> None:
            for one in range(number):
                database.execute(
                    "INSERT INTO articles (url, content_hash, title, text, published_at)"
                    " VALUES (%s, sha256(%s::text::bytea), %s, %s, %s)",
                    (
                        f"https://x.test/{published}/{text}/{one}",
                        f"{published}{text}{one}",
                        f"Harbour number {one}",
                        text,
                        published,
                    ),
                )

        def stored() -> list[tuple[object, ...]]:
            return database.execute(
                "SELECT window_start, window_end, articles, terms FROM news_trends"
            ).fetchall()

        assert python("-c", compute).split() == ["0"]
        assert [(row[2], row[3]) for row in stored()] == [(0, [])]
        for days in (1, 2, 3):
            add(end - timedelta(days=days), "calm weather", 10)
        add(end - timedelta(days=8), "dredging", 20)  # older than the baseline
        add(end - timedelta(hours=6), "dredging", 3)  # the first moment of the window
        add(end - timedelta(microseconds=1), "dredging", 2)  # the last one
        add(end, "dredging later", 5)  # the window that is still open
        python("-c", compute)
        [(start, ending, articles, terms)] = stored()
        assert (start, ending, articles) == (end - timedelta(hours=6), end, 5)
        assert json.loads(json.dumps(terms))[0]["term"] == "dredging"
        assert terms[0]["articles"] == 5  # type: ignore[index]
        assert terms[0]["baseline"] == 0  # type: ignore[index]
        add(end - timedelta(hours=1), "dredging", 4)  # it was collected late
        python("-c", compute)
        [(_, _, articles, terms)] = stored()
        assert (articles, terms[0]["articles"]) == (9, 9)  # type: ignore[index]
