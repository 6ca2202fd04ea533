"""Which fault happens when. Pure: the same seed gives the same schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

FIRST_SECONDS = 3.0
"""The first fault comes this long after the first upload, so that there is work to disturb."""
GAP_SECONDS = 5.0
"""The average time from the begin of a fault to the begin of the next one. They may overlap."""
SPREAD = 0.4
"""A gap is this much longer or shorter, at random, as a fraction of it."""
REST_SECONDS = 6.0
"""After a fault, the same process or service is left alone for this long: it starts again."""


class Kind(StrEnum):
    """The kinds of faults."""

    CHILD_KILLED = "child killed"
    NODE_KILLED = "node killed"
    NODE_FROZEN = "node frozen"
    REDIS_RESTARTED = "Redis restarted"
    REDIS_EMPTIED = "Redis emptied"
    POSTGRES_CUT = "PostgreSQL connections cut"
    POSTGRES_RESTARTED = "PostgreSQL restarted"
    DYNAMODB_AWAY = "DynamoDB away"
    API_KILLED = "API killed"
    BEAT_KILLED = "Beat killed"
    DISK_FULL = "disk full"
    PROVIDER_STORM = "provider storm"
    RECEIVER_UPSET = "webhook receiver upset"


ON_A_WORKER = frozenset({Kind.CHILD_KILLED, Kind.NODE_KILLED, Kind.NODE_FROZEN})
"""These strike one worker node."""
SERVICES: Mapping[Kind, str] = {
    Kind.REDIS_RESTARTED: "redis",
    Kind.REDIS_EMPTIED: "redis",
    Kind.POSTGRES_CUT: "postgres",
    Kind.POSTGRES_RESTARTED: "postgres",
    Kind.DYNAMODB_AWAY: "dynamodb",
    Kind.API_KILLED: "api",
    Kind.BEAT_KILLED: "beat",
    Kind.DISK_FULL: "disk",
    Kind.PROVIDER_STORM: "provider",
    Kind.RECEIVER_UPSET: "receiver",
}
"""What the other kinds strike."""


@dataclass(frozen=True)
class Lengths:
    """How long each kind of fault lasts, in seconds. A kind that is not here lasts for a moment."""

    seconds: Mapping[Kind, float]
    gap: float = GAP_SECONDS
    rest: float = REST_SECONDS

    def of(self, kind: Kind) -> float:
        """How long a fault of this kind lasts."""
        return self.seconds.get(kind, 0.0)


@dataclass(frozen=True)
class Planned:
    """One fault of the schedule. Times are seconds since the first upload."""

    kind: Kind
    at: float
    seconds: float
    worker: int | None = None
    """The worker node that is struck, from 0."""
    draw: float = 0.0
    """A random number from 0 to 1, for a choice that the schedule cannot make, such as which child."""

    @property
    def until(self) -> float:
        """When it is over."""
        return self.at + self.seconds

    @property
    def struck(self) -> str:
        """What it strikes."""
        return f"worker{self.worker + 1}" if self.worker is not None else SERVICES[self.kind]


@dataclass
class _Calendar:
    """When each process or service may be struck again."""

    rest: float
    free: dict[str, float] = field(default_factory=dict)

    def earliest(self, struck: str, wanted: float) -> float:
        return max(wanted, self.free.get(struck, 0.0))

    def enter(self, planned: Planned) -> None:
        self.free[planned.struck] = planned.until + self.rest


def plan(
    seed: int, seconds: float, kinds: Sequence[Kind], workers: int, lengths: Lengths
) -> list[Planned]:
    """Draw a schedule of faults.

    Each kind happens at least once, in rounds. Each round has an order of its own. What is struck by a
    fault is left alone until it is over and for `lengths.rest` seconds more.

    Args:
        seed: of all that is drawn.
        seconds: no fault of the second round or a later one begins after this time.
        kinds: those that may happen.
        workers: how many worker nodes there are.
        lengths: how long the faults last.

    Returns:
        The faults in the order in which they begin.
    """
    rng = Random(seed)  # noqa: S311 - a schedule that can be repeated
    calendar, planned, now, first = _Calendar(lengths.rest), [], FIRST_SECONDS, True
    while kinds and (first or now < seconds):
        for kind in rng.sample(list(kinds), len(kinds)):
            if not first and now >= seconds:
                break
            one = _draw(rng, kind, now, workers, lengths, calendar)
            now += lengths.gap * rng.uniform(1 - SPREAD, 1 + SPREAD)
            if first or one.at < seconds:
                calendar.enter(one)
                planned.append(one)
        first = False
    return sorted(planned, key=lambda one: one.at)


def _draw(
    rng: Random, kind: Kind, now: float, workers: int, lengths: Lengths, calendar: _Calendar
) -> Planned:
    """One fault, as early from `now` on as what it strikes may be struck again."""
    worker = rng.randrange(workers) if kind in ON_A_WORKER else None
    one = Planned(kind, now, lengths.of(kind), worker, rng.random())
    at = calendar.earliest(one.struck, now)
    return Planned(kind, at, one.seconds, worker, one.draw)
