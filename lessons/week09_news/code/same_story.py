"""Five entries of three feeds. How many stories are they? It depends on what is compared."""

from collections.abc import Callable
from typing import NamedTuple

FERRY = "The last ferry to the island leaves at six from Monday on."
DIKE = "The dike is closed for walkers until the end of the month."


class Entry(NamedTuple):
    """One entry, as a feed has it."""

    address: str
    title: str
    text: str


ENTRIES = (
    Entry("https://coast.example/ferry?utm_source=rss", "Notice", FERRY),
    Entry("https://Coast.example:443/ferry#top", "Notice", FERRY),
    Entry("https://agency.example/4711", "Notice", FERRY.replace(" ", "  ")),
    Entry("https://coast.example/dike", "Notice", DIKE),
    Entry("https://coast.example/dike?print=1&utm_medium=feed", "Notice", DIKE),
)


def count_stories(key: Callable[[Entry], str]) -> int:
    """Return how many stories there are if entries with the same key are one story."""
    return len({key(entry) for entry in ENTRIES})


def main() -> None:
    ways: dict[str, Callable[[Entry], str]] = {
        "address": lambda entry: entry.address,
        "title": lambda entry: entry.title,
        "text, byte for byte": lambda entry: entry.text,
    }
    print("compared              stories")
    for name, key in ways.items():
        print(f"{name:22}{count_stories(key)}")


if __name__ == "__main__":
    main()
