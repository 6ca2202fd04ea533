"""How long and how much in week 7. Given to students complete.

Every value comes from the environment. The defaults are for production; tests set fractions of a
second.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings


class LiveSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    events_heartbeat_seconds: float = Field(15.0, gt=0)
    """How long a stream may be silent before it sends a heartbeat."""
    events_queue: int = Field(500, gt=0)
    """How many events may wait for one browser. One more, and its stream is closed. The events are the
    same objects for all browsers, so a full queue costs little more than its length."""
    events_keep: int = Field(5_000, gt=0)
    """How many changes of all owners the API keeps for browsers that resume."""
    events_streams_per_owner: int = Field(200, gt=0)
    """How many streams of one owner an API process keeps open."""
    events_refresh_seconds: float = Field(60.0, gt=0)
    """How often a stream repeats the snapshot: a message that was lost is wrong for no longer."""
    events_overlap_seconds: float = Field(5.0, ge=0)
    """How far the index of jobs may lag behind the rows. A snapshot is followed by the changes of
    this time, because it may not have them."""
    events_grace_seconds: float = Field(1.0, gt=0)
    """A browser that reads gets the regular end of its stream within this time. Then the API hangs up."""
    events_retry_seconds: float = Field(2.0, gt=0)
    """How long a browser waits before it connects again."""
    live_publish_seconds: float = Field(0.25, gt=0)
    """How long it may take to connect to Redis, and to publish a change."""
    live_pause_seconds: float = Field(2.0, ge=0)
    """After a failure to publish, nothing is published for this time: no write waits twice for a
    Redis that is away."""
    progress_seconds: float = Field(0.5, gt=0)
    """The time between two reports of the same job's progress within a step."""
    stats_seconds: float = Field(5.0, gt=0, le=5.0)
    """For how long a count is given again."""


@cache
def live_settings() -> LiveSettings:
    """The settings of this process, read once."""
    return LiveSettings()
