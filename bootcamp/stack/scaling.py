"""Changes the number of workers of a running `bootcamp up`, from another process.

The wish and the answer are two files in the state folder, which belongs to one user.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from bootcamp.errors import StackError
from bootcamp.stack.apps import Apps
from bootcamp.stack.state import is_held, read_json, write_private

WISH, ANSWER = "workers-wanted.json", "workers.json"
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.2


def scale_running(folder: Path, count: int) -> None:
    """Ask the running stack for `count` workers, and wait until it has them.

    Raises:
        StackError: nothing is up, or the workers did not start.
    """
    if not is_held(folder):
        raise StackError("Nothing is up.", "Start it first: bootcamp up 8 --detach")
    wish = {"count": count, "number": time.time_ns()}
    write_private(folder / WISH, json.dumps(wish))
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        answer = read_json(folder / ANSWER)
        if answer.get("number") == wish["number"]:
            if problem := answer.get("problem"):
                raise StackError(str(problem))
            return
        if not is_held(folder):
            raise StackError("The stack was stopped.")
        time.sleep(POLL_SECONDS)
    raise StackError(f"The stack has not changed its workers within {WAIT_SECONDS:g} s.")


class Wishes:
    """What the running stack reads: who asks for how many workers."""

    def __init__(self, folder: Path, apps: Apps | None) -> None:
        self._folder = folder
        self._apps = apps
        for name in (WISH, ANSWER):
            (folder / name).unlink(missing_ok=True)

    def fulfil(self) -> None:
        """Start or stop workers, if somebody has asked for it since the last call."""
        wish = read_json(self._folder / WISH)
        if not wish:
            return
        (self._folder / WISH).unlink(missing_ok=True)
        problem = ""
        try:
            if self._apps is None:
                raise StackError("The stack is up, the pipeline is not.")
            self._apps.scale(int(wish["count"]))
        except StackError as error:
            problem = str(error)
        answer = {"number": wish["number"], "problem": problem}
        write_private(self._folder / ANSWER, json.dumps(answer))
