"""Lists and replays articles without a summary: `python -m pipeline.news.summary_letters list|replay`. Given
to students complete.

Exit codes: 0 done; 1 there is no such dead letter; 2 an argument is wrong; 75 PostgreSQL cannot be reached.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from uuid import UUID

import psycopg

from pipeline.news import summary_work

NOT_FOUND = 1
TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h."""


def parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    root = argparse.ArgumentParser(
        prog="python -m pipeline.news.summary_letters",
        description="Show the articles that got no summary, and let the next run try them again.",
    )
    commands = root.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the dead letters, the newest first")
    replay = commands.add_parser("replay", help="open one dead letter, or all of them")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("article", nargs="?", type=UUID, help="the id that the list shows")
    which.add_argument("--all", action="store_true", help="open all of them")
    return root


def described(letter: summary_work.Letter) -> str:
    """Return one line about a dead letter. Control characters of a title are escaped."""
    words = f"{letter.title[:80]}  {letter.detail}"
    text = words if words.isprintable() else words.encode("unicode_escape").decode()
    return f"{letter.article_id}  {letter.dead_at:%Y-%m-%d %H:%M}  {letter.reason}  {text}"


def main(words: Sequence[str] | None = None) -> int:
    """Run a command, and turn errors into a message and an exit code."""
    arguments = parser().parse_args(words)
    try:
        if arguments.command == "list":
            for letter in summary_work.dead_letters():
                print(described(letter))
            return 0
        count = summary_work.replay(arguments.article)
    except psycopg.OperationalError as error:
        print(f"PostgreSQL cannot be reached: {error}", file=sys.stderr)
        return TRY_AGAIN
    if not count and arguments.article:
        print("There is no dead letter with this id.", file=sys.stderr)
        return NOT_FOUND
    print(f"{count} open again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
