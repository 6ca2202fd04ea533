"""Flower for `bootcamp up --flower`: workers and tasks in a browser, behind a password of its own."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

from bootcamp.errors import StackError
from bootcamp.ports import LOOPBACK, free_port, is_free, release_port
from bootcamp.stack.process import Process

MODULE = "bootcamp.stack.flower_server"
DEFAULT_PORT = 5555
USER = "bootcamp"
READY_SECONDS = 30.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Flower:
    """Where it is, and who may look at it."""

    url: str
    user: str
    password: str

    @property
    def address(self) -> str:
        """Address, user and password for people."""
        return f"{self.url}   user {self.user}, password {self.password}"


@contextmanager
def flower(env: Mapping[str, str], folder: Path) -> Iterator[Flower]:
    """Start Flower with a new password, and stop it at the end of the block.

    Args:
        env: the whole environment of the pipeline's processes.
        folder: gets the log.

    Raises:
        StackError: it is not installed, or it does not start.
    """
    if find_spec("flower") is None:
        raise StackError("Flower is not installed.", "Install it: make setup")
    own = not is_free(DEFAULT_PORT)
    port = free_port() if own else DEFAULT_PORT
    password = secrets.token_urlsafe(24)
    env = {**env, "FLOWER_BASIC_AUTH": f"{USER}:{password}"}
    env["PYTHONPATH"] = f"{ROOT}:{env['PYTHONPATH']}"
    command = [sys.executable, "-m", MODULE, f"--port={port}"]
    one = Flower(f"http://{LOOPBACK}:{port}", USER, password)
    try:
        with Process(
            command, env=env, log=folder / "flower.log", name="flower", cwd=folder
        ) as process:
            process.wait_ready(lambda: _answers(one), READY_SECONDS)
            yield one
    finally:
        if own:
            release_port(port)


def _answers(one: Flower) -> bool:
    try:
        answer = httpx.get(f"{one.url}/healthcheck", auth=(one.user, one.password), trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
