"""What can go wrong with streams. Given to students complete."""

from __future__ import annotations

from typing import ClassVar

from pipeline.errors import PermanentError, TransientError


class EventsUnavailable(TransientError):
    """The API does not hear of changes now, so it does not pretend to tell of them."""

    default_message = "Live updates are not available. Ask for the jobs instead."
    retry_after_seconds: ClassVar[int] = 2


class TooManyStreams(PermanentError):
    http_status = 429
    default_message = "Too many streams are open. Close some of them."
