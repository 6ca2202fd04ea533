"""Flower with every page behind its password: `python -m bootcamp.stack.flower_server`.

Flower itself answers `/metrics` and `/healthcheck` to everybody, whatever password is set. They name
workers and tasks, so here they ask for the password like all other pages. The user and the password come
from `FLOWER_BASIC_AUTH`, as `user:password`. They are not an argument, because every user of the machine
can read the arguments of a process.

All arguments are passed on to `celery flower`. It listens on the loopback address unless `--address`
says otherwise.
"""

from __future__ import annotations

import os
import sys

CELERY_APP = "pipeline.tasks.celery_config"
PASSWORD = "FLOWER_BASIC_AUTH"  # noqa: S105  # the variable's name
LOOPBACK = "127.0.0.1"
MIN_CHARACTERS = 16


def close_open_pages() -> None:
    """Let `/metrics` and `/healthcheck` ask for the password."""
    from flower.views.monitor import Healthcheck, Metrics  # type: ignore[import-untyped]
    from tornado.web import authenticated

    for page in (Metrics, Healthcheck):
        page.get = authenticated(page.get)


def main() -> None:
    """Run Flower. Without a password it does not start."""
    _, _, password = os.environ.get(PASSWORD, "").partition(":")
    if len(password) < MIN_CHARACTERS:
        sys.exit(f"Set {PASSWORD} to user:password, with at least {MIN_CHARACTERS} characters.")
    from celery.bin.celery import main as celery

    close_open_pages()
    words = sys.argv[1:]
    if not any(word.startswith("--address") for word in words):
        words.append(f"--address={LOOPBACK}")
    sys.argv = ["celery", f"--app={CELERY_APP}", "flower", *words]
    sys.exit(celery())


if __name__ == "__main__":
    main()
