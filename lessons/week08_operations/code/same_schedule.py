"""The schedule of a chaos run: drawn at random, and the same for the same seed."""

from bootcamp.bench.chaos.schedule import Kind, Lengths, plan

KINDS = [Kind.NODE_KILLED, Kind.REDIS_EMPTIED, Kind.DYNAMODB_AWAY]
LENGTHS = Lengths({Kind.DYNAMODB_AWAY: 20})


def lines(seed: int) -> list[str]:
    """One line for each fault of the first ten seconds."""
    faults = plan(seed, 10, KINDS, 3, LENGTHS)
    return [f"{one.at:5.1f} s  {one.kind}: {one.struck}" for one in faults]


def main() -> None:
    print("seed 7", *lines(7), sep="\n")
    print("seed 7 again is the same:", lines(7) == lines(7))
    print("seed 8 is the same:", lines(8) == lines(7))


if __name__ == "__main__":
    main()
