"""The picture of who worked when."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from bootcamp.providers import JournalEntry
from bootcamp.notebooks.timeline import Bar, bars, draw, label_time, rows

mpl.use("agg")


def entry(
    number: int, started: float, ended: float | None, status: int | None = 200
) -> JournalEntry:
    return JournalEntry(
        sequence=number,
        endpoint="chat",
        started=started,
        ended=ended,
        status=status,
        in_flight=0,
        fault=None,
        inputs=("system", f"article {number}"),
        tokens=1,
        model=None,
        retry_count=0,
    )


def test_bars_begin_at_zero_and_leave_out_what_still_runs() -> None:
    journal = [
        entry(1, 100.0, 101.0),
        entry(2, 100.5, 100.7, status=None),
        entry(3, 101.0, None, None),
    ]
    assert bars(journal) == [
        Bar("article 1", 0.0, 1.0),
        Bar("article 2", 0.5, 0.7000000000000028, cut=True),
    ]


def test_no_requests_no_bars() -> None:
    assert bars([]) == []
    assert rows([]) == []


def test_a_bar_takes_the_lowest_free_row() -> None:
    assert rows([Bar("a", 0, 2), Bar("b", 0, 1), Bar("c", 1, 3), Bar("d", 2, 3)]) == [0, 1, 1, 0]


def test_rows_follow_the_start_and_not_the_order() -> None:
    assert rows([Bar("late", 5, 6), Bar("early", 0, 1)]) == [0, 0]


def test_the_picture_names_its_axes_and_marks_what_was_cut_short() -> None:
    axes = Figure().subplots()
    draw(axes, [Bar("a", 0, 1), Bar("b", 0, 0.5, cut=True)], "Two tasks")
    label_time(axes)
    assert axes.get_title(loc="left") == "Two tasks"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["slot 1", "slot 2"]
    assert "seconds" in axes.get_xlabel()
    assert [text.get_text() for text in axes.texts] == ["a", "b\n(cut short)"]
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [False, True]


def test_an_empty_picture_is_drawn_too() -> None:
    draw(Figure().subplots(), [], "Nothing yet")
