"""The stores of the local stack, as a place for `bootcamp.operations.backup`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from redis import Redis

from bootcamp import paths
from bootcamp.course.layers import Layer
from bootcamp.environment import built
from bootcamp.operations.backup import BackupError
from bootcamp.ports import LOOPBACK
from bootcamp.stack.apps import layer_environment, prepare_stores
from bootcamp.stack.postgres import SUPERUSER, find_binaries
from bootcamp.stack.stack import DEFAULT, Stack

STORES_PROGRAM = paths.ROOT / "ops" / "stores.py"
COMMAND_SECONDS = 600.0


class LocalPlace:
    """The default run of a stack that is up. The caller makes sure that no API or worker runs.

    Args:
        stack: whose stores these are.
        layers: whose code knows the settings and the migrations; newest first.
    """

    database = owner = DEFAULT

    def __init__(self, stack: Stack, layers: Sequence[Layer]) -> None:
        self._stack, self._layers = stack, layers
        self._variables = stack.environment()
        self._binaries = find_binaries()

    def postgres(
        self, *words: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a program of the stack's own PostgreSQL as its superuser."""
        program, *rest = words
        login = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self._stack.endpoints.postgres_port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._stack.endpoints.postgres_password,
        }
        _run([str(self._binaries / program), *rest], built() | login, source, out)

    def stores(
        self, command: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a command of `ops/stores.py` with the layers on its path."""
        env = layer_environment(self._variables, self._layers)
        _run([sys.executable, str(STORES_PROGRAM), command], env, source, out)

    def stop(self) -> None:
        """Do nothing: the caller has stopped the processes."""

    def empty_redis(self) -> None:
        """Delete all messages."""
        with Redis.from_url(self._variables["REDIS_URL"]) as client:
            client.flushall()

    def migrate(self) -> None:
        """Run `python -m pipeline.migrate`. Raises StackError."""
        env = layer_environment(self._variables, self._layers)
        prepare_stores(env, self._layers, self._stack.path / "restore.log")

    def start(self) -> None:
        """Do nothing: the caller starts the processes."""


def new_place(stack: Stack, layers: Sequence[Layer]) -> LocalPlace:
    """Return the place of a stack.

    Raises:
        BackupError: this checkout has no `ops/stores.py`, because it is an edition for early weeks.
    """
    if not STORES_PROGRAM.is_file():
        raise BackupError("This checkout has no ops/stores.py. It comes with week 8.")
    return LocalPlace(stack, layers)


def _run(
    words: Sequence[str | Path],
    env: dict[str, str],
    source: BinaryIO | None,
    out: BinaryIO | None,
) -> None:
    done = subprocess.run(
        words,
        env=env,
        stdin=source or subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")[-2000:]
        raise BackupError(f"{Path(words[0]).name} ended with {done.returncode}:\n{said}")
