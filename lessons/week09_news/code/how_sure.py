"""A coin shows heads. How sure is it that the coin is not fair, if you expected a fair one?"""

from math import log, sqrt

PRIOR = 10
"""What we believe before the first throw: as if we had seen this many heads, and as many tails."""


def z_score(heads: int, tails: int, prior: float = 0.5) -> float:
    """Return the log-odds of heads, divided by their standard deviation.

    Args:
        heads: how many throws showed heads.
        tails: how many showed tails.
        prior: what is added to both counts.
    """
    log_odds = log((heads + prior) / (tails + prior))
    return log_odds / sqrt(1 / (heads + prior) + 1 / (tails + prior))


def main() -> None:
    print("heads, tails   ratio   z with a prior of 0.5   of 10")
    for heads, tails in ((2, 0), (8, 2), (80, 20), (800, 700)):
        ratio = f"{heads / tails:.1f}" if tails else "inf"
        scores = f"{z_score(heads, tails):<24.1f}{z_score(heads, tails, PRIOR):.1f}"
        print(f"{heads:3}, {tails:<10}{ratio:<8}{scores}")


if __name__ == "__main__":
    main()
