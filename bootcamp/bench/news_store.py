"""What `store` costs for one feed. Runs as a program with the reference layers on its path.

`python news_store.py 0 25000` prints `[{"size": 0, "new": …, "known": …, "copies": …}, …]`: for each number
of articles in the table, the median seconds of `ROUNDS` calls with `ENTRIES` entries each.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from pipeline.news.articles import store
from pipeline.news.models import Entry
from pipeline.steps.database import connection

ENTRIES, ROUNDS = 50, 15
TEXT = "The keeper lit the lamp before the evening ferry came in. " * 8
FILL = """
INSERT INTO articles (url, content_hash, title, text, published_at)
SELECT 'https://fill.example/' || n, sha256(('fill ' || n)::bytea), 'Story ' || n, %s, now()
FROM generate_series((SELECT count(*) FROM articles) + 1, %s::bigint) AS n
"""


def entries(number: int, place: str) -> list[Entry]:
    """The entries of one feed. Those of two places differ only in their addresses."""
    return [
        Entry(
            f"https://{place}.example/{number}/{n}",
            f"Story {number} {n}",
            f"{TEXT} {number} {n}",
            None,
            None,
        )
        for n in range(ENTRIES)
    ]


def timed(found: list[Entry]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    store("bench", found)
    return time.perf_counter() - began


def main() -> None:
    """Measure for each size, and print the rows."""
    with connection() as database:
        sql = "INSERT INTO feeds (feed_id, url, next_at) VALUES ('bench', 'http://a.example/', 'infinity')"
        database.execute(sql)
    rows, number = [], 0
    for size in map(int, sys.argv[1:]):
        with connection() as database:
            database.execute(FILL, (TEXT, size))
            database.execute("ANALYZE articles")
        seconds: dict[str, list[float]] = {"new": [], "known": [], "copies": []}
        for _ in range(ROUNDS):
            number += 1
            seconds["new"].append(timed(entries(number, "first")))
            seconds["known"].append(timed(entries(number, "first")))
            seconds["copies"].append(timed(entries(number, "second")))
        rows.append(
            {"size": size} | {what: statistics.median(all_) for what, all_ in seconds.items()}
        )
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
