"""Gives up rights, sets limits, and becomes a command: `python -I -S limits.py [OPTIONS] command …`.

    --user UID:GID      become this user (root only)
    --landlock JSON     see no file and no port but these: `landlock.py` says how
    --seccomp on        be refused system calls that nobody needs: `seccomp.py` says which;
                        `netlink` in place of `on` allows netlink sockets
    --memory watched    no limit on address space, which a browser reserves: somebody watches its memory

Standard library only; it runs before the student's interpreter starts.
"""

from __future__ import annotations

import os
import resource
import runpy
import sys

MAX_CPU_SECONDS = 120
BOUNDS = os.path.abspath(f"{__file__}/../../../bootcamp/bounds.py")  # noqa: PTH100 - few imports
OPTION = "--"


def main(words: list[str]) -> None:
    """Apply the options and limits, then run the command in this very process."""
    options: dict[str, str] = {}
    while words[0].startswith(OPTION):
        options[words[0]], words = words[1], words[2:]
    bounds = runpy.run_path(BOUNDS)
    limits = {
        resource.RLIMIT_FSIZE: bounds["MAX_FILE_BYTES"],
        resource.RLIMIT_NOFILE: bounds["MAX_OPEN_FILES"],
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    watched = options.get("--memory") == "watched"
    if (
        sys.platform == "linux" and not watched
    ):  # macOS does not enforce it, and refuses some values
        limits[resource.RLIMIT_AS] = bounds["MAX_PROCESS_BYTES"]
    if "--user" in options:
        limits[resource.RLIMIT_NPROC] = bounds["MAX_PROCESSES"]
    for kind, wanted in limits.items():
        _, hard = resource.getrlimit(kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))
    if "--seccomp" in options:
        apply("seccomp", netlink=options["--seccomp"] == "netlink")
    if "--landlock" in options:
        import json

        apply("landlock", **json.loads(options["--landlock"]))
    if "--user" in options:
        become(options["--user"])
    os.execvp(words[0], words)


def become(user: str) -> None:
    """Another user and no group but its own, for good."""
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def apply(name: str, **arguments: object) -> None:
    """Call `apply` of a module beside this one: no package can be imported here."""
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")  # noqa: PTH118, PTH120 - few imports
    runpy.run_path(path)["apply"](**arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
