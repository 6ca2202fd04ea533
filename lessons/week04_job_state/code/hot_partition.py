"""A thousand new orders: into which partition of an index is each of them written?"""

from collections import Counter

from office import shard

NEW = 1000


def main() -> None:
    ids = [f"doc-{number}" for number in range(NEW)]
    print("by status:", dict(Counter("waiting" for _ in ids)))
    print("by shard: ", dict(sorted(Counter(map(shard, ids)).items())))


if __name__ == "__main__":
    main()
