"""Reads how long a provider asks us to wait. Given to students complete.

`Retry-After` is defined in RFC 9110, section 10.2.3. OpenAI also sends `retry-after-ms`.
"""

from __future__ import annotations

import math
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import openai


def asked_wait(error: BaseException) -> float | None:
    """Return the seconds that the provider's answer behind this error asks to wait.

    `retry-after-ms` comes first, because it is exact. `Retry-After` is a number of seconds or a date.

    Returns:
        The seconds, at least 0. None: there was no answer, or it has no valid header of this kind.
    """
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    exact = _number(headers.get("retry-after-ms"))
    return parse_retry_after(headers.get("retry-after")) if exact is None else exact / 1000


def parse_retry_after(text: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header means, at least 0. None: it is missing or invalid."""
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
