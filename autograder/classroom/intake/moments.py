"""Moments in time as rosters, policies and exports write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone(name: str) -> ZoneInfo:
    """The time zone of that name, such as Europe/Berlin.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; Europe/Berlin would be one") from None


def moment(text: str, default: ZoneInfo) -> datetime:
    """An ISO 8601 moment, in UTC. Without an offset it is meant in `default`.

    The name of a time zone may follow, as in nbgrader's timestamp.txt.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    head, _, tail = text.rpartition(" ")
    if head and tail[:1].isalpha() and tail != "Z":
        text, default = head, zone(tail)
    text = text.removesuffix("Z").rstrip() + ("+00:00" if text.endswith("Z") else "")
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment; 2026-11-27T23:59 would be one") from None
    return in_utc(value, default)


def in_utc(value: datetime, default: ZoneInfo) -> datetime:
    """The moment in UTC; one without a zone is meant in `default`."""
    return (value if value.tzinfo else value.replace(tzinfo=default)).astimezone(UTC)


def span(text: str) -> timedelta:
    """A length of time: `90m`, `36h`, `2d`.

    Raises:
        ValueError: it is none.
    """
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = text.strip()[:-1], text.strip()[-1:].lower()
    try:
        value = timedelta(**{units[unit]: float(number)})
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"{text!r} is no length of time; 2d, 36h or 90m would be one") from None
    if not timedelta(0) <= value <= timedelta(days=366):
        raise ValueError(f"{text!r} is not between 0 and 366 days")
    return value
