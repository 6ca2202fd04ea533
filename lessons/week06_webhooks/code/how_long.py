"""Receivers are away for a while. Who is told in the end, at which try, and how much later?

Nobody waits: a second is a number here.
"""

MINUTE, HOUR = 60, 3600
AWAY = {
    "a restart, 3 s": 3,
    "a deployment, 4 min": 4 * MINUTE,
    "a night, 9 h": 9 * HOUR,
    "a weekend, 62 h": 62 * HOUR,
    "for good": 365 * 24 * HOUR,
}
WAYS: dict[str, list[int]] = {
    "once": [0],
    "5 at once": [0, 1, 1, 1, 1],
    "schedule": [
        0,
        5,
        5 * MINUTE,
        30 * MINUTE,
        2 * HOUR,
        5 * HOUR,
        10 * HOUR,
        14 * HOUR,
        20 * HOUR,
        24 * HOUR,
    ],
}
"""The waits before each try. Seconds."""


def told(waits: list[int], away: int) -> tuple[int, int] | None:
    """At which try (from 1) the receiver is there, and how long after it came back. None: never."""
    now = 0
    for number, wait in enumerate(waits, 1):
        now += wait
        if now >= away:
            return number, now - away
    return None


def clock(seconds: int) -> str:
    if seconds >= HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / MINUTE:.0f} min" if seconds >= MINUTE else f"{seconds} sec"


def main() -> None:
    print(f"{'away for':<20}", *(f"{way:>16}" for way in WAYS))
    for name, away in AWAY.items():
        cells = []
        for waits in WAYS.values():
            found = told(waits, away)
            cells.append(f"try {found[0]}, {clock(found[1])}" if found else "never")
        print(f"{name:<20}", *(f"{cell:>16}" for cell in cells))
    hours, rest = divmod(sum(WAYS["schedule"]), HOUR)
    print(f"the schedule ends after {hours} h {rest // MINUTE} min")


if __name__ == "__main__":
    main()
