"""A news desk as one loop, on three mornings. What was read, paid and mailed in the end?"""

from collections import Counter
from dataclasses import dataclass, field

READERS = ("Ann", "Bea", "Cem")
STORIES = 4
FEEDS = 6


class Broken(Exception):
    """Something outside does not work this morning."""


@dataclass
class Morning:
    """What happened until now. `broken_feed` and `failing_mails` are what goes wrong."""

    broken_feed: int | None = None
    failing_mails: set[int] = field(default_factory=set)
    stories: set[str] = field(default_factory=set)
    summaries_paid: int = 0
    mails: Counter[str] = field(default_factory=Counter)

    def read(self, feed: int) -> list[str]:
        """Return the stories of a feed."""
        if feed == self.broken_feed:
            raise Broken("not well-formed")
        return [f"feed {feed}, story {number}" for number in range(STORIES)]

    def mail(self, reader: str) -> None:
        """Send the digest to a reader."""
        number = self.mails.total() + 1
        if number in self.failing_mails:
            self.failing_mails.remove(number)
            raise Broken("connection closed")
        self.mails[reader] += 1


def one_loop(morning: Morning) -> None:
    """Read all feeds, summarise all stories, and mail the digest to all readers."""
    for feed in range(FEEDS):
        for story in morning.read(feed):
            morning.stories.add(story)
            morning.summaries_paid += 1
    for reader in READERS:
        morning.mail(reader)


def started_twice(morning: Morning) -> Morning:
    """Start the loop, and start it again if it ended with an error, as an operator does."""
    for _ in range(2):
        try:
            one_loop(morning)
        except Broken:
            continue
        break
    return morning


def main() -> None:
    print(f"{'':22}stories   summaries paid   mails to {', '.join(READERS)}")
    mornings = {
        "all goes well": Morning(),
        "feed 3 is broken": Morning(broken_feed=2),
        "the second mail fails": Morning(failing_mails={2}),
    }
    for name, morning in mornings.items():
        started_twice(morning)
        mails = ", ".join(str(morning.mails[reader]) for reader in READERS)
        print(f"{name:22}{len(morning.stories):<10}{morning.summaries_paid:<17}{mails}")


if __name__ == "__main__":
    main()
