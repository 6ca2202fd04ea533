"""A feed is due every five minutes. The desk was switched off for a day. How often is it read now?"""

from datetime import UTC, datetime, timedelta

EVERY = timedelta(minutes=5)
STOPPED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
BACK = STOPPED + timedelta(days=1)


def reads_until_up_to_date(*, from_now: bool) -> int:
    """Return how many reads follow each other before the feed is no longer due.

    Args:
        from_now: whether the next time is counted from now, or from the time that was missed.
    """
    due, reads = STOPPED, 0
    while due <= BACK:
        reads += 1
        due = (BACK if from_now else due) + EVERY
    return reads


def main() -> None:
    for from_now in (False, True):
        name = "from now" if from_now else "from the time that was missed"
        print(f"{name + ':':31}{reads_until_up_to_date(from_now=from_now)} reads")


if __name__ == "__main__":
    main()
