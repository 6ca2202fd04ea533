"""Moments in time as rosters, policies and exports write them."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo
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

    An offset or the name of a time zone may follow, as in nbgrader's timestamp.txt.

    Raises:
        ValueError: it is none, or nobody can say which zone is meant.
    """
    text = re.sub(r"\s+(?=[+-]\d\d(:?\d\d)?$)", "", text.strip())
    head, _, tail = text.rpartition(" ")
    name = tail if head and tail[:1].isalpha() and tail != "Z" else ""
    text = head if name else text
    text = text.removesuffix("Z").rstrip() + ("+00:00" if text.endswith("Z") else "")
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment; 2026-11-27T23:59 would be one") from None
    return in_utc(value, _zone_at(name, value, default) if name else default)


def _zone_at(name: str, value: datetime, default: ZoneInfo) -> tzinfo:
    """The zone of that name; an abbreviation such as PST only if the default zone uses it."""
    for month, fold in ((value.month, 0), (value.month, 1), (1, 0), (7, 0)):
        local = value.replace(month=month, fold=fold, tzinfo=default)
        if local.tzname() == name:
            return timezone(local.utcoffset() or timedelta(0))
    return zone(name)


def in_utc(value: datetime, default: tzinfo) -> datetime:
    """The moment in UTC; one without a zone is meant in `default`.

    Raises:
        ValueError: it is so early or late that some time zones have no such moment.
    """
    if not MINYEAR < value.year < MAXYEAR:
        raise ValueError(f"the year {value.year} is no year of a submission")
    return (value if value.tzinfo else value.replace(tzinfo=default)).astimezone(UTC)


def from_epoch(seconds: float) -> datetime | None:
    """The moment so many seconds after 1970, in UTC; None where that is no moment."""
    try:
        return in_utc(datetime.fromtimestamp(max(seconds, 0), UTC), UTC)
    except (OverflowError, ValueError, OSError):
        return None


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
