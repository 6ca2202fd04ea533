"""The timeline of a run: a line of text for each fault, and a picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STEP_SECONDS = 1.0


@dataclass(frozen=True)
class Happened:
    """A fault that was carried out, or left out. Times are seconds since the first upload."""

    kind: str
    began: float
    ended: float
    done: bool
    detail: str

    @property
    def line(self) -> str:
        """The fault as a line of text."""
        length = f"{self.ended - self.began:5.1f} s" if self.ended - self.began > 1 else " " * 7
        left_out = "" if self.done else "left out: "
        return f"{self.began:6.1f} s {length}  {self.kind:26} {left_out}{self.detail}"


@dataclass(frozen=True)
class Timeline:
    """When documents were accepted, when their jobs ended, and the faults. Seconds since the start."""

    accepted: Sequence[float]
    ended: Sequence[float]
    faults: Sequence[Happened]

    @property
    def last(self) -> float:
        """The time of the last event."""
        return max([0.0, *self.accepted, *self.ended, *(one.ended for one in self.faults)])

    def waiting(self) -> tuple[list[float], list[int]]:
        """How many jobs were accepted and not ended, second by second."""
        come, gone = sorted(self.accepted), sorted(self.ended)
        times = [step * STEP_SECONDS for step in range(int(self.last / STEP_SECONDS) + 2)]
        return times, [bisect_right(come, at) - bisect_right(gone, at) for at in times]


def draw(timeline: Timeline, title: str, path: Path) -> None:
    """Draw accepted and ended jobs above, and the faults below, one row for each kind."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, figsize=(11, 7), gridspec_kw={"height_ratios": [3, 2]}
    )
    for times, label in ((timeline.accepted, "accepted"), (timeline.ended, "ended")):
        above.step(sorted(times), range(1, len(times) + 1), where="post", label=label)
    at, waiting = timeline.waiting()
    above.fill_between(at, waiting, step="post", alpha=0.25, label="in the pipeline")
    above.set_ylabel("jobs")
    above.set_title(title)
    above.legend(loc="upper left")
    kinds = list(dict.fromkeys(one.kind for one in timeline.faults if one.done))
    for one in timeline.faults:
        if one.done:
            length = max(one.ended - one.began, timeline.last / 200)
            below.barh(kinds.index(one.kind), length, left=one.began, color="tab:red", alpha=0.7)
            above.axvline(one.began, color="tab:red", alpha=0.15, linewidth=1)
    below.set_yticks(range(len(kinds)), kinds)
    below.invert_yaxis()
    below.set_xlabel("seconds since the first upload")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
