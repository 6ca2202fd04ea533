"""The bench measures real work, and its ratios compare ways of doing the same."""

from __future__ import annotations

from bootcamp.bench.__main__ import measure, with_ratios
from bootcamp.stack import Run


def test_ratios_are_against_the_first_way_of_the_same_work() -> None:
    rows = with_ratios(
        [
            {"what": "a", "how": "slow", "seconds": 3.0},
            {"what": "a", "how": "fast", "seconds": 1.5},
            {"what": "b", "how": "other work", "seconds": 9.0},
        ]
    )
    assert [row["ratio"] for row in rows] == [1.0, 2.0, 1.0]


def test_a_measurement_does_the_work_each_time(run: Run) -> None:
    rows = measure(run, "embedding")
    assert [row["how"] for row in rows] == ["a request for each text", "batches (week 3)"]
    assert all(row["seconds"] > 0 for row in rows)
    by_size = [len(entry.inputs) for entry in run.openai.journal("embeddings")]
    rounds = 3 + 1  # and one that is not timed
    assert by_size.count(1) == 200 * rounds
    assert by_size.count(200) == rounds
