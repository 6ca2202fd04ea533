"""Settings of week 8's schedule and clean-up. Given to students complete.

Every value comes from the environment. The defaults are for production.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings


class OperationSettings(BaseSettings):
    """Read from environment variables of the same name in upper case. All times are in seconds."""

    tick_expires_seconds: float = Field(10.0, gt=0)
    """How long a message of Beat is of use. Keep it above the difference between your machines' clocks."""
    beat_lock_seconds: float = Field(15.0, gt=0)
    """How long a Beat that has died keeps the lock."""
    clean_up_interval_seconds: float = Field(60.0, gt=0)
    """The pause between two rounds in which leftovers are removed."""
    blob_grace_seconds: float = Field(600.0, ge=0)
    """A file that nobody uses is kept for this long after its last upload. Keep it far above the time
    that an upload takes from the stored file to the job's row, and above the lag of an index."""


@cache
def operation_settings() -> OperationSettings:
    """Return the settings of this process, which are read once."""
    return OperationSettings()
