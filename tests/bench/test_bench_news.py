"""The bench of the news desk collects all feeds, and stores each article once."""

from __future__ import annotations

from pathlib import Path

from bootcamp.bench import news
from bootcamp.stack import Run


def test_a_small_desk(run: Run, tmp_path: Path) -> None:
    rows = news.measure_workers(run, tmp_path, feeds=6, articles=5, workers=1)
    assert [row["what"] for row in rows] == ["new", "known", "copies"]
    assert all(row["articles"] == 30 and row["seconds"] > 0 for row in rows)


def test_store_at_two_sizes(run: Run, tmp_path: Path) -> None:
    rows = news.measure_store(run, tmp_path, sizes=(0, 500))
    assert [row["size"] for row in rows] == [0, 500]
    assert all(row["known"] < row["new"] for row in rows)
