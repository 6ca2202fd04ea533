"""The list of feeds: `python -m pipeline.news.feed_list add URL`. Given to students complete.

python -m pipeline.news.feed_list add URL [--title TITLE]
python -m pipeline.news.feed_list list
python -m pipeline.news.feed_list remove FEED_ID
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence

from pipeline.errors import PipelineError
from pipeline.news.guarded_fetch import checked_target
from pipeline.steps.database import connection

ID_CHARS = 12

ADD = """
INSERT INTO feeds (feed_id, url, title) VALUES (%s, %s, %s)
ON CONFLICT (url) DO UPDATE SET title = coalesce(nullif(excluded.title, ''), feeds.title)
RETURNING feed_id
"""
LIST = "SELECT feed_id, url, failures, coalesce(last_error, '') FROM feeds ORDER BY feed_id"


def feed_id_of(url: str) -> str:
    """Return the id that a feed of this address gets."""
    return hashlib.sha256(url.encode()).hexdigest()[:ID_CHARS]


def add(url: str, title: str = "") -> str:
    """Add a feed. It is due at once. If the address is in the list already, only its title changes.

    Args:
        url: the address of the feed.
        title: what people call it.

    Returns:
        The feed's id.

    Raises:
        FeedRefused: the address is not on the public internet.
        FeedUnavailable: the name server did not answer.
    """
    checked_target(url)
    with connection() as database:
        row = database.execute(ADD, (feed_id_of(url), url, title)).fetchone()
    assert row is not None
    return str(row[0])


def remove(feed_id: str) -> bool:
    """Remove a feed. Its articles stay. Returns whether there was one."""
    with connection() as database:
        return database.execute("DELETE FROM feeds WHERE feed_id = %s", (feed_id,)).rowcount == 1


def show() -> list[tuple[str, str, int, str]]:
    """Return all feeds: id, address, failures since the last success, and the last error."""
    with connection() as database:
        return [(str(a), str(b), int(c), str(d)) for a, b, c, d in database.execute(LIST)]


def main(words: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.news.feed_list")
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="add a feed")
    adding.add_argument("url")
    adding.add_argument("--title", default="")
    commands.add_parser("list", help="show all feeds")
    commands.add_parser("remove", help="remove a feed").add_argument("feed_id")
    chosen = parser.parse_args(words)
    try:
        if chosen.command == "add":
            print(add(chosen.url, chosen.title))
        elif chosen.command == "remove":
            return 0 if remove(chosen.feed_id) else 1
        else:
            for feed_id, url, failures, error in show():
                print(f"{feed_id}  {url}  {f'{failures} failures: {error}' if failures else 'ok'}")
    except PipelineError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
