"""Plots of the class page, as SVG that needs nothing but itself. They show items and numbers, no text
of students.
"""

from __future__ import annotations

import io
import re
from typing import Any

from autograder.classroom.policy.summary import BARS, ClassStatistics

WIDTH = 8.0
"""Inches, at 72 dots each."""
ROW = 0.32
"""Inches for an item."""
_TEXT, _BAR = "#010203", "#010204"
"""Stand for the colours of the page, which are dark or light as the reader has them."""
_SHADES = (_BAR, "#7d9fe0", "#b4c7ee", "#c9ccd2", "#e3b456")
REASONS = ("most common reason", "second", "third", "other reasons", "not checked")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "class",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    **{f"{name}.color": _TEXT for name in ("text", "xtick", "ytick")},
    **dict.fromkeys(("axes.labelcolor", "axes.edgecolor"), _TEXT),
}


def score_distribution(stats: ClassStatistics) -> str:
    """Students per tenth of the points."""
    labels = [f"{tenth * 10}–{tenth * 10 + 10}" for tenth in range(BARS)]
    what = ", ".join(
        f"{label}: {count}" for label, count in zip(labels, stats.histogram, strict=True)
    )
    figure, axes = _figure(3.0)
    bars = axes.bar(labels, stats.histogram, color=_BAR)
    axes.bar_label(bars, [str(count or "") for count in stats.histogram])
    axes.set_xlabel("percent of the points")
    axes.set_yticks([])
    return _svg(figure, f"Students per tenth of the points, in percent. {what}")


def failure_rates(stats: ClassStatistics) -> str:
    """Share of the class that did not pass each item, the most first, by the cause on the card."""
    items = sorted((one for one in stats.items if one.graded), key=lambda one: -sum(one.shares))
    figure, axes = _figure(1.2 + ROW * len(items))
    starts, what = [0.0] * len(items), []
    for rank, label in enumerate(REASONS):
        shares = [one.shares[rank] for one in items]
        names = [one.item.id for one in items]
        axes.barh(names, shares, left=starts, color=_SHADES[rank], label=label, edgecolor="white")
        starts = [start + share for start, share in zip(starts, shares, strict=True)]
    for one, share in zip(items, starts, strict=True):
        what.append(f"{one.item.id}: {share:.0f} %")
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent that did not pass")
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize="small")
    return _svg(figure, f"Share that did not pass. {', '.join(what)}")


def time_per_item(stats: ClassStatistics) -> str:
    """How long the checks of each item took: median, quarters, and those far from them."""
    items = [one for one in stats.items if one.times]
    figure, axes = _figure(0.9 + ROW * len(items))
    lines = {name: {"color": _TEXT} for name in ("whiskerprops", "capprops", "medianprops")}
    axes.boxplot(
        [one.times for one in items],
        tick_labels=[one.item.id for one in items],
        orientation="horizontal",
        boxprops={"color": _TEXT},
        flierprops={"markeredgecolor": _TEXT, "markersize": 3},
        **lines,
    )
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds")
    what = ", ".join(f"{one.item.id}: {one.seconds:.1f} s" for one in items)
    return _svg(figure, f"Time per item, on average. {what}")


def _figure(height: float) -> tuple[Any, Any]:
    import matplotlib as mpl
    from matplotlib.figure import Figure  # takes half a second

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        return figure, figure.subplots()


def _svg(figure: Any, what: str) -> str:
    """The figure as an element for a page, with its numbers for who cannot see it."""
    import matplotlib as mpl

    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(_STYLE):
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    drawn = text.getvalue()
    drawn = re.sub(r' xmlns(:xlink)?="[^"]*"', "", drawn[drawn.index("<svg") :])  # as HTML has it
    drawn = drawn.replace(_TEXT, "currentColor").replace(_BAR, "var(--bar)")
    head, _, body = drawn.partition(">")
    return f'{head} role="img"><title>{what}</title>{body}'
