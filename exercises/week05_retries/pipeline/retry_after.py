"""How long a server asks us to wait: RFC 9110, section 10.2.3, and OpenAI's milliseconds. Given."""

from __future__ import annotations

import math
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import openai


def asked_wait(error: BaseException) -> float | None:
    """Seconds that the answer behind this error asks to wait. None: it does not say, or not clearly.

    `retry-after-ms` is exact and comes first. `Retry-After` has seconds or a date.
    """
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    exact = _number(headers.get("retry-after-ms"))
    return parse_retry_after(headers.get("retry-after")) if exact is None else exact / 1000


def parse_retry_after(text: str | None) -> float | None:
    """The seconds that a `Retry-After` header means, from 0. None: it is missing, or means nothing."""
    seconds = _number(text)
    return _until(text) if seconds is None else seconds


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(text: str | None) -> float | None:
    try:
        date = parsedate_to_datetime(text or "")
        return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
