"""A thousand new repairs: in which partition of an index is each written?"""

from collections import Counter

from shop import shard

NEW = 1000


def main() -> None:
    ids = [f"bike-{number}" for number in range(NEW)]
    print("by status:", dict(Counter("waiting" for _ in ids)))
    print("by shard: ", dict(sorted(Counter(map(shard, ids)).items())))


if __name__ == "__main__":
    main()
