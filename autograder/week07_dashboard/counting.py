"""`GET /stats`, and how old its counts are."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from autograder.sdk import Api, fail
from autograder.sdk.api_log import log_of


def stats(api: Api) -> dict[str, Any]:
    """What `GET /stats` answers; anything that is not a count is a card."""
    answer = api.get("/stats", timeout=20.0)
    found = api.json(answer) if answer.status_code == 200 else None
    if not isinstance(found, dict) or not {"total", "by_status", "as_of"} <= set(found):
        got = f"{answer.status_code} {answer.text[:200]}"
        fail(sent="GET /stats", expected="200 and counts", got=got, log=log_of(api, answer))
    return found


def age_of(found: dict[str, Any]) -> float:
    """How many seconds ago a count began."""
    try:
        return time.time() - datetime.fromisoformat(found["as_of"]).timestamp()
    except (TypeError, ValueError):
        fail(sent="GET /stats", expected="as_of, a time with its zone", got=found["as_of"])
