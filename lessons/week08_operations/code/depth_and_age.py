"""The same number of waiting messages, and two very different waits."""


def oldest_age(arrivals: list[float], now: float, taken: int) -> float:
    """How long the message has waited that is taken next, if `taken` messages were taken before."""
    return now - arrivals[taken]


def main() -> None:
    now = 600.0
    burst = [595.0 + number / 200 for number in range(1_000)]  # a thousand within five seconds
    steady = [float(number) for number in range(600)]  # one each second
    quick, stuck = 0, 0
    print(
        f"burst:  {len(burst) - quick:5} wait, the oldest for {oldest_age(burst, now, quick):.0f} s"
    )
    print(
        f"stuck:  {len(steady) - stuck:5} wait, the oldest for {oldest_age(steady, now, stuck):.0f} s"
    )
    print(f"drain:  {len(burst) / 100:.0f} s for the burst, at 100 messages a second")


if __name__ == "__main__":
    main()
