"""Draws the trends of a window as a bar chart. Given to students complete.

It draws on a figure of its own, without `pyplot`, because `pyplot` keeps all figures and wants one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from threading import Lock

from pipeline.news.trend_model import Trend, Window

BARS = 12
"""The most bars in a chart."""
WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 8.0, 4.5, 100
COLOR = "#1f5fa8"
EMPTY = "No trends yet: there are too few articles, or nothing to compare them with."

_drawing = Lock()  # the fonts of matplotlib are shared by all threads of the process


def draw(window: Window | None, trends: Sequence[Trend]) -> bytes:
    """Draw the first `BARS` trends.

    Args:
        window: the window of the trends. None: none has been computed yet.
        trends: the trends, the highest score first.

    Returns:
        A picture in PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes half a second, once
    from matplotlib.figure import Figure

    with _drawing:
        figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        shown = list(trends[:BARS])
        if window is None or not shown:
            axes.set_axis_off()
            axes.text(0.5, 0.5, EMPTY, ha="center", va="center")
        else:
            places = range(len(shown))
            axes.barh(places, [one.score for one in shown], color=COLOR)
            # A term comes from an article. Without `parse_math`, `$` in it is an ordinary character.
            axes.set_yticks(places, [one.term for one in shown], parse_math=False)
            axes.invert_yaxis()
            axes.set_xlabel("z-score against the windows before")
            axes.set_title(f"Trends from {window.start:%d %B %Y, %H:%M} to {window.end:%H:%M} UTC")
        picture = BytesIO()
        figure.savefig(picture, format="png")
    return picture.getvalue()
