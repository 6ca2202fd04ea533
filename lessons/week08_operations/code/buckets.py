"""What a histogram knows of a quantile depends on its bounds."""

import random

WIDE = [0.01, 0.1, 1.0, 10.0, 100.0]
NARROW = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0]
LIBRARY = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]


def quantile(share: float, durations: list[float], bounds: list[float]) -> float:
    """Calculate a quantile as Prometheus does: the rank's bucket, and a straight line inside it."""
    rank = share * len(durations)
    below = 0.0
    low = 0.0
    for bound in bounds:
        count = sum(low < one <= bound for one in durations)
        if below + count >= rank:
            return low + (bound - low) * (rank - below) / count
        below, low = below + count, bound
    return bounds[-1]


def main() -> None:
    rng = random.Random(8)  # noqa: S311
    steps = [rng.uniform(1.2, 1.8) for _ in range(1_000)]
    slow = [rng.uniform(20, 40) for _ in range(1_000)]
    print(f"steps of 1.2 to 1.8 s: p95 is {sorted(steps)[950]:.2f} s")
    print(f"  bounds 1, 10:        {quantile(0.95, steps, WIDE):.2f} s")
    print(f"  bounds 1, 2.5, 5:    {quantile(0.95, steps, NARROW):.2f} s")
    print(f"steps of 20 to 40 s:   p95 is {sorted(slow)[950]:.2f} s")
    print(f"  bounds up to 10:     {quantile(0.95, slow, LIBRARY):.2f} s")


if __name__ == "__main__":
    main()
