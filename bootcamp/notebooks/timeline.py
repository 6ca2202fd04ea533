"""A picture of who worked when: one row per slot, one bar per run of a task.

The times come from the journal of a stand-in, so they are what a service saw, not what a worker said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootcamp.providers import JournalEntry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DONE_COLOUR = "#2a6f97"
CUT_COLOUR = "#b5472c"
CUT_HATCH = "//"
BAR_HEIGHT = 0.72
LABEL_POINTS = 11
TITLE_POINTS = 14


@dataclass(frozen=True)
class Bar:
    """One run of a task. Times in seconds from the start of the picture; `cut`: it did not end well."""

    label: str
    start: float
    end: float
    cut: bool = False


def bars(journal: Iterable[JournalEntry]) -> list[Bar]:
    """One bar per request that has ended, labelled with its last text; the first starts at 0."""
    ended = [(entry, entry.ended) for entry in journal if entry.ended is not None]
    zero = min((entry.started for entry, _ in ended), default=0.0)
    return [
        Bar(
            label=entry.inputs[-1] if entry.inputs else entry.endpoint,
            start=entry.started - zero,
            end=end - zero,
            cut=entry.status != 200,
        )
        for entry, end in ended
    ]


def rows(all_bars: Sequence[Bar]) -> list[int]:
    """The row of each bar, from 0: the lowest row that is free when it starts."""
    free_at: list[float] = []
    result = [0] * len(all_bars)
    for index in sorted(range(len(all_bars)), key=lambda one: all_bars[one].start):
        bar = all_bars[index]
        row = next((row for row, free in enumerate(free_at) if free <= bar.start), len(free_at))
        if row == len(free_at):
            free_at.append(0.0)
        free_at[row] = bar.end
        result[index] = row
    return result


def draw(axes: Axes, all_bars: Sequence[Bar], title: str) -> None:
    """Draw the bars into `axes`. A run that was cut short is hatched and says so."""
    placed = rows(all_bars)
    for bar, row in zip(all_bars, placed, strict=True):
        (patch,) = axes.barh(
            row,
            bar.end - bar.start,
            left=bar.start,
            height=BAR_HEIGHT,
            color=CUT_COLOUR if bar.cut else DONE_COLOUR,
            hatch=CUT_HATCH if bar.cut else None,
            edgecolor="white",
        )
        label = axes.text(
            (bar.start + bar.end) / 2,
            row,
            f"{bar.label}\n(cut short)" if bar.cut else bar.label,
            ha="center",
            va="center",
            color="white",
            fontsize=LABEL_POINTS,
            fontweight="bold",
            bbox={"facecolor": CUT_COLOUR, "edgecolor": "none", "pad": 2} if bar.cut else None,
        )
        label.set_clip_path(patch)
    slots = max(placed, default=0) + 1
    axes.set_yticks(range(slots), [f"slot {row + 1}" for row in range(slots)])
    axes.set_ylim(slots - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_title(title, loc="left", fontsize=TITLE_POINTS)
    axes.tick_params(labelsize=LABEL_POINTS)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def label_time(axes: Axes) -> None:
    """Name the time axis; for the lowest of pictures that share it."""
    axes.set_xlabel("seconds since the first task started", fontsize=LABEL_POINTS + 1)
