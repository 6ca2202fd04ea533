"""Three hundred scans are finished in a day. How do the customers learn that theirs is ready?

Nobody waits here: a second is only a number.
"""

import random

SCANS = 300
SHORTEST, LONGEST = 10 * 60, 60 * 60
"""How long a scan takes. Seconds."""
PAUSES = (2, 60, 600)
"""How long a customer waits between two polls. Seconds."""
WEBHOOK_SECONDS = 1
"""How long a webhook takes to arrive."""
SEED = 6


def polling(scans: list[float], pause: int) -> tuple[int, float]:
    """Return the number of polls, and how late a customer learns the news on average."""
    polls = [int(ready // pause) + 1 for ready in scans]
    late = [count * pause - ready for count, ready in zip(polls, scans, strict=True)]
    return sum(polls), sum(late) / len(scans)


def main() -> None:
    rng = random.Random(SEED)  # noqa: S311
    scans = [rng.uniform(SHORTEST, LONGEST) for _ in range(SCANS)]
    for pause in PAUSES:
        polls, late = polling(scans, pause)
        print(f"poll every {pause:>3} s: {polls:>7,} requests, known {late:>4.0f} s later")
    print(f"webhooks:         {SCANS:>7,} requests, known {WEBHOOK_SECONDS:>4} s later")


if __name__ == "__main__":
    main()
