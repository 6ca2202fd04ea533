"""Week 7 under load: many browsers watch, by streams or by polling, while jobs change.

Each change is a write to a job's row. The delay is from that write to the moment in which the browser has
read of it. The browsers are one process of asyncio (`watchers.py`), which shares the machine's cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, TypedDict

import psutil

from bootcamp import paths
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps, layer_environment

WEEK = "7"
OWNER_LAYER = Path(__file__).with_name("owner_layer")
OWNERS = 50
STREAMS = 10
CHANGES = 50
"""A second, over all owners. With ten streams for each owner: 500 deliveries a second."""
SECONDS = 10
CEILING_SECONDS = 3
STEPS = (100, 200, 400, 800, 1600)
"""Changes a second of one owner, until its browsers fall behind."""
GOAL_SECONDS = 0.150
TIMEOUT_SECONDS = 300


class Row(TypedDict):
    """One line of the bench's table."""

    what: str
    how: str
    seconds: float


class Watched(TypedDict):
    """What `watchers.py` reports."""

    delays: list[float]
    """Seconds, one for each change that a browser has seen."""
    lost: int
    """Streams that ended."""
    requests: int
    """Requests that were answered."""
    seconds: float
    opened_bytes: int
    """How much the API's memory has grown while the streams were opened."""


def layers() -> tuple[Layer, ...]:
    """The reference of week 7, and what lets the bench be many owners."""
    week = find_week(WEEK)
    return (Layer(week, Source.REFERENCE, OWNER_LAYER), *reference_layers(week))


def measure_live(
    run: Run, owners: int = OWNERS, streams: int = STREAMS, seconds: float = SECONDS
) -> list[Row]:
    """Polling and streams under the same load, and what one owner's streams can take."""
    what = f"{owners * streams} browsers see a change"
    with Apps(run.environment(), layers(), workers=0) as apps:
        load: dict[str, Any] = {"owners": owners, "streams": streams, "seconds": seconds}
        load["changes"] = max(1, CHANGES * owners // OWNERS)
        polled = watch(apps, run, mode="poll", **load)
        live = watch(apps, run, mode="events", **load)
        ceiling = _ceiling(apps, run, streams)
    kilobytes = live["opened_bytes"] / 1024 / (owners * streams)
    return [
        *_rows(
            what,
            f"polling every 3 s, {polled['requests'] / polled['seconds']:.0f} requests/s",
            polled,
        ),
        *_rows(what, f"events, {kilobytes:.0f} kB a stream, {live['lost']} streams lost", live),
        *ceiling,
    ]


def _ceiling(apps: Apps, run: Run, streams: int) -> list[Row]:
    """The highest rate of one owner at which no stream is lost and the goal is met."""
    best: list[Row] = []
    for changes in STEPS:
        seen = watch(
            apps,
            run,
            mode="publish",
            owners=1,
            streams=streams,
            changes=changes,
            seconds=CEILING_SECONDS,
        )
        _, p95 = middle_and_p95(seen["delays"])
        expected = changes * CEILING_SECONDS * streams
        if seen["lost"] or p95 > GOAL_SECONDS or len(seen["delays"]) < 0.9 * expected:
            break
        best = _rows(
            f"one owner, {streams} browsers: the ceiling", f"events, {changes} changes/s", seen
        )
    return best


def watch(apps: Apps, run: Run, **load: Any) -> Watched:
    """Run the browsers once."""
    assert apps.api
    pid = psutil.Process(apps.api.pid).pid
    done = subprocess.run(
        [sys.executable, str(paths.ROOT / "bootcamp" / "bench" / "watchers.py"), json.dumps(load)],
        env=layer_environment(run.environment(), layers())
        | {"API_URL": str(apps.api_url), "API_PID": str(pid)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    seen: Watched = json.loads(done.stdout)
    return seen


def middle_and_p95(delays: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile, in seconds. Of nothing: infinite."""
    if len(delays) < 2:
        return float("inf"), float("inf")
    points = quantiles(delays, n=100)
    return points[49], points[94]


def _rows(what: str, how: str, seen: Watched) -> list[Row]:
    middle, p95 = middle_and_p95(seen["delays"])
    return [
        {"what": what, "how": f"{how}: median", "seconds": middle},
        {"what": what, "how": f"{how}: p95", "seconds": p95},
    ]
