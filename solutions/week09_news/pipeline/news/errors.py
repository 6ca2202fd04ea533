"""The errors of the news desk. Given to students complete."""

from __future__ import annotations

from pipeline.errors import TransientError


class NewsUnavailable(TransientError):
    """PostgreSQL cannot be reached, or it takes too long, while a client reads the news."""

    default_message = "The news cannot be read now. Try again in a few seconds."
