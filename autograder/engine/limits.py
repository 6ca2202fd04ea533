"""Gives up rights, sets limits, and becomes a command: `python -I -S limits.py [OPTIONS] command …`.

    --user UID:GID      become this user (root only)
    --landlock JSON     see no file but these: `landlock.py` says how

Standard library only; it runs before the student's interpreter starts.
"""

from __future__ import annotations

import os
import resource
import sys

MAX_MEMORY_BYTES = 4 * 1024**3
"""Address space of one process; numpy and friends reserve far more than they use."""
MAX_FILE_BYTES = 64 * 1024**2
"""Largest file it may write: what it prints, too."""
MAX_OPEN_FILES = 1024
MAX_CPU_SECONDS = 120
MAX_PROCESSES = 512
"""Processes and threads of the sandbox's user together. Only where it has a user of its own."""
OPTION = "--"


def main(words: list[str]) -> None:
    """Apply the options and limits, then run the command in this very process."""
    options: dict[str, str] = {}
    while words[0].startswith(OPTION):
        options[words[0]], words = words[1], words[2:]
    limits = {
        resource.RLIMIT_FSIZE: MAX_FILE_BYTES,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS does not enforce it, and refuses some values
        limits[resource.RLIMIT_AS] = MAX_MEMORY_BYTES
    if "--user" in options:
        limits[resource.RLIMIT_NPROC] = MAX_PROCESSES
    for kind, wanted in limits.items():
        _, hard = resource.getrlimit(kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))
    if "--landlock" in options:
        restrict(options["--landlock"])
    if "--user" in options:
        become(options["--user"])
    os.execvp(words[0], words)


def become(user: str) -> None:
    """Another user and no group but its own, for good."""
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def restrict(rules: str) -> None:
    """Put this process, and all that it starts, under Landlock."""
    import json
    import runpy

    landlock = runpy.run_path(os.path.join(os.path.dirname(__file__), "landlock.py"))  # noqa: PTH118, PTH120
    landlock["apply"](**json.loads(rules))


if __name__ == "__main__":
    main(sys.argv[1:])
