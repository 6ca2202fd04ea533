"""Starts one notebook's kernel in the sandbox: `python -m autograder.classroom.notebooks.kernel FILE`.

Jupyter starts this as the kernel `python3` (`course.py` writes the kernelspec). It gives the
connection file and the home folder to the sandbox's user, and becomes the kernel.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from autograder.sandbox.tiers import Sandbox, Tier, can_change_user, can_filter, new_user

TIER = "BOOTCAMP_NOTEBOOK_TIER"
"""The environment variable that names the tier."""
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def main(connection: Path) -> None:
    """Become the kernel that this connection file describes."""
    tier, home = Tier(os.environ[TIER]), Path(os.environ["HOME"])
    user = new_user() if can_change_user(tier) else None
    ports = tuple(json.loads(connection.read_text(encoding="utf-8"))[name] for name in PORTS)
    sandbox = Sandbox(tier, user, (connection,), (home,), ports, can_filter(tier))
    sandbox.give(home)
    sandbox.give(connection)
    sandbox.open_way((connection.parent, home.parent))
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(connection)]
    words = sandbox.command([*command, "--HistoryManager.hist_file=:memory:"])
    os.chdir(home)
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
