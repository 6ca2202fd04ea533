"""Manages API keys: `python -m pipeline.keys create|list|revoke|rotate`. Given to students complete.

A new key is printed once, alone on standard output. It cannot be shown again, because only its hash is
stored.

Exit codes: 0 done; 1 there is no such key; 2 an argument is wrong; 75 PostgreSQL cannot be reached now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import Connection

from pipeline.keys import store
from pipeline.keys.errors import KeyNotFound
from pipeline.keys.key import OWNER_NAME, KeyRow, Permission, now
from pipeline.steps.database import CONNECT_SECONDS, database_url

NOT_FOUND = 1
TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h."""
KEEP_HOURS = 24.0


def owner_name(text: str) -> str:
    """Check the name of an owner."""
    if not OWNER_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("use lower-case letters, digits and hyphens, 63 at most")
    return text


def positive(text: str) -> float:
    """Read a number above zero."""
    number = float(text)
    if not 0 < number < 1_000_000:
        raise ValueError(text)
    return number


def parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    root = argparse.ArgumentParser(prog="python -m pipeline.keys", description="Manage API keys.")
    commands = root.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a key, and print it once")
    create.add_argument("--owner", type=owner_name, required=True, help="whose documents it opens")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        choices=[str(one) for one in Permission],
        help="documents (the default) or admin; may be repeated",
    )
    create.add_argument("--days", type=positive, help="after how many days it expires")
    create.add_argument(
        "--replace", action="store_true", help="revoke the owner's keys of the same name"
    )
    listing = commands.add_parser("list", help="show the keys, without their secrets")
    listing.add_argument("--owner", type=owner_name, help="only this owner's")
    revoke = commands.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("id", help="the part between bk_ and the second _")
    rotate = commands.add_parser("rotate", help="make a new key, and let the old one expire")
    rotate.add_argument("id", help="the part between bk_ and the second _")
    rotate.add_argument(
        "--hours", type=positive, default=KEEP_HOURS, help="how long the old one stays valid"
    )
    return root


def run(arguments: argparse.Namespace, database: Connection[Any]) -> None:
    """Do what the command says."""
    match arguments.command:
        case "create":
            print(_created(arguments, database))
        case "list":
            for row in store.list_keys(database, arguments.owner):
                print(described(row))
        case "revoke":
            store.revoke(database, arguments.id)
            print(f"{arguments.id} is revoked.")
        case "rotate":
            print(store.rotate(database, arguments.id, timedelta(hours=arguments.hours)))


def _created(arguments: argparse.Namespace, database: Connection[Any]) -> str:
    scopes = arguments.scopes or [Permission.DOCUMENTS]
    if arguments.replace:
        return store.replace(database, arguments.owner, arguments.name, scopes)
    expires_at = now() + timedelta(days=arguments.days) if arguments.days else None
    return store.create(database, arguments.owner, arguments.name, scopes, expires_at)


def described(row: KeyRow) -> str:
    """Return one line about a key."""
    state = "active"
    if row.revoked_at:
        state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}"
    elif row.expires_at:
        state = (
            f"{'expires' if row.expires_at > now() else 'expired'} {row.expires_at:%Y-%m-%d %H:%M}"
        )
    scopes = ",".join(sorted(row.scopes))
    return f"{row.id}  {row.owner}  {scopes}  {state}  created {row.created_at:%Y-%m-%d}  {row.name}".rstrip()


def main(words: Sequence[str] | None = None) -> int:
    """Run a command, and turn errors into a message and an exit code."""
    arguments = parser().parse_args(words)
    try:
        with psycopg.connect(
            database_url(), autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as database:
            run(arguments, database)
    except KeyNotFound as error:
        print(error.message, file=sys.stderr)
        return NOT_FOUND
    except psycopg.OperationalError as error:
        print(f"PostgreSQL cannot be reached: {error}", file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main())
