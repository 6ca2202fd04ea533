"""What some programs of week 9 share: services that only one program uses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bootcamp.stack import Run, find_or_start


@contextmanager
def local_services() -> Iterator[Run]:
    """Set `DATABASE_URL` and similar variables to services that only this program uses."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run
