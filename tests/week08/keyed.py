"""An API of week 8 that asks for keys, and clients with keys of several owners."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bootcamp.stack import Run
from bootcamp.stack.apps import Apps, layer_environment
from tests.week06.conftest import QUICK
from tests.week08.conftest import LAYERS

CHECK_SECONDS = 0.5
"""How long the API relies on what it has read about a key, in these tests."""


@dataclass
class Keyed:
    """The API, and the command line that manages its keys."""

    run: Run
    apps: Apps

    @property
    def url(self) -> str:
        return str(self.apps.api_url)

    def keys(self, *words: str, code: int = 0) -> str:
        """Run `python -m pipeline.keys` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.keys", *words],
            check=False,
            env=layer_environment(self.run.environment(), LAYERS),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stderr
        return (done.stdout or done.stderr).strip()

    def key(self, owner: str, *words: str) -> str:
        """Make a key of an owner."""
        return self.keys("create", "--owner", owner, *words)

    def client(self, key: str | None, **more: Any) -> httpx.Client:
        """A client that presents a key, or none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False, **more)


def key_id(key: str) -> str:
    return key.split("_")[1]


@contextmanager
def keyed(run: Run, folder: Path, *, workers: int = 0, **more: str) -> Iterator[Keyed]:
    """API and workers on a run; `more` are further variables of their environment."""
    env = {**run.environment(), **QUICK, "KEY_CHECK_SECONDS": str(CHECK_SECONDS), **more}
    with Apps(env, LAYERS, workers=workers, state=folder) as apps:
        yield Keyed(run, apps)
