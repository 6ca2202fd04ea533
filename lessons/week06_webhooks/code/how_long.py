"""Receivers are down for a while. Which attempt reaches them, and how long after they are back?

Nobody waits here: a second is only a number.
"""

MINUTE, HOUR = 60, 3600
DOWN = {
    "a restart, 3 s": 3,
    "a deployment, 4 min": 4 * MINUTE,
    "a night, 9 h": 9 * HOUR,
    "a weekend, 62 h": 62 * HOUR,
    "for good": 365 * 24 * HOUR,
}
WAYS: dict[str, list[int]] = {
    "once": [0],
    "5 quick ones": [0, 1, 1, 1, 1],
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
"""The wait before each attempt. Seconds."""


def reached(waits: list[int], down: int) -> tuple[int, int] | None:
    """Return the number of the first successful attempt, and how long the receiver was back then."""
    now = 0
    for number, wait in enumerate(waits, 1):
        now += wait
        if now >= down:
            return number, now - down
    return None


def duration(seconds: int) -> str:
    if seconds >= HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / MINUTE:.0f} min" if seconds >= MINUTE else f"{seconds} sec"


def main() -> None:
    print(f"{'down for':<20}", *(f"{way:>16}" for way in WAYS))
    for name, down in DOWN.items():
        cells = []
        for waits in WAYS.values():
            found = reached(waits, down)
            cells.append(f"no. {found[0]}, {duration(found[1])}" if found else "never")
        print(f"{name:<20}", *(f"{cell:>16}" for cell in cells))
    hours, rest = divmod(sum(WAYS["schedule"]), HOUR)
    print(f"the schedule ends after {hours} h {rest // MINUTE} min")


if __name__ == "__main__":
    main()
