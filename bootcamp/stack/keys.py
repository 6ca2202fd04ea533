"""The API key that the stack makes for its own clients, from week 8 on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootcamp.course.layers import Layer
from bootcamp.errors import StackError
from bootcamp.stack.process import Process

KEYS_MODULE = Path("pipeline/keys/__main__.py")
"""Makes keys, from week 8 on."""
AUTH_MODULE = Path("pipeline/api/auth.py")
"""Verifies them. Students write its functions in item 8.5."""
UNWRITTEN = 'NotImplementedError("8.5")'
OFF = {"API_KEYS": "off"}
"""The setting with which the API asks nobody for a key. It is for development only."""
OWNER = "public"
"""The owner of all documents of the weeks before keys. So what is stored stays visible."""
NAME = "bootcamp"
SCOPES = ("documents", "admin")
SECONDS = 60.0


def _newest(layers: Sequence[Layer], module: Path) -> Path | None:
    """The file of a module that is used: that of the first layer which has it."""
    return next((one.path / module for one in layers if (one.path / module).is_file()), None)


def key_variables(layers: Sequence[Layer]) -> dict[str, str]:
    """Settings for the layers' processes: no key is needed while item 8.5 is not written yet."""
    file = _newest(layers, AUTH_MODULE)
    return OFF if file and UNWRITTEN in file.read_text(encoding="utf-8") else {}


def make_key(env: Mapping[str, str], layers: Sequence[Layer], log: Path) -> str | None:
    """Make a key for the stack's own clients. It replaces the one of the last start.

    Args:
        env: the whole environment of the layers' processes.
        layers: whose code runs.
        log: file that gets the errors. The key itself is not in it.

    Returns:
        The key. None: these layers ask for none.

    Raises:
        StackError: the key cannot be made.
    """
    if _newest(layers, KEYS_MODULE) is None or env.get("API_KEYS") == "off":
        return None
    words = ["create", "--replace", "--owner", OWNER, "--name", NAME]
    words += [word for scope in SCOPES for word in ("--scope", scope)]
    command = [sys.executable, "-m", "pipeline.keys", *words]
    with Process(command, env=env, log=log, name="keys", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        key = process.stdout.read().decode().strip()
        code = process.wait(SECONDS)
        said = process.logs(latest=True)
    if code or not key:
        raise StackError(f"No API key can be made. `python -m pipeline.keys` says:\n{said}")
    return key
