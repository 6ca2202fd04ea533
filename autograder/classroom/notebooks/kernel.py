"""Starts one notebook's kernel in the sandbox: `python -m autograder.classroom.notebooks.kernel FILE`.

Jupyter starts this as the kernel `python3` (`course.py` writes the kernelspec). It gives the
connection file and the home folder to the sandbox's user, and becomes the kernel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autograder.sandbox.tiers import Sandbox, Tier, can_change_user, can_filter, new_user

TIER = "BOOTCAMP_NOTEBOOK_TIER"
"""The environment variable that names the tier."""


def main(connection: Path) -> None:
    """Become the kernel that this connection file describes."""
    tier, home = Tier(os.environ[TIER]), Path(os.environ["HOME"])
    user = new_user() if can_change_user(tier) else None
    runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])  # the kernel makes its sockets there
    sandbox = Sandbox(tier, user, write=(home, runtime), filtered=can_filter(tier), netlink=True)
    for own in (home, runtime, connection):
        sandbox.give(own)
    sandbox.open_way((home.parent,))
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(connection)]
    words = sandbox.command([*command, "--HistoryManager.hist_file=:memory:"])
    # The parent's id means nothing in the sandbox, which ends with the parent by itself.
    os.environ.pop("JPY_PARENT_PID", None)
    os.chdir(home)
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
