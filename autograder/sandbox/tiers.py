"""What a student's processes can reach, in three tiers; a class is graded in the strongest.

`bubblewrap`: a file system in which nothing else is, processes that see only each other, no rights,
a user of their own; with `network.py` a network in which only this submission's services are.
`landlock`: the same machine, but no other files, no signals to other processes, and of TCP only the
ports of this submission's services.
`limits`: memory, CPU time, file sizes. For one's own code: `bootcamp check` needs no more.

Every tier has the limits of `limits.py`, and the first two the filter of `seccomp.py`. GRADING.md of
the design has the measurements behind this.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from autograder.sandbox import landlock, limits, seccomp
from bootcamp import bounds
from bootcamp.stack.account import TRAVERSE

PROBE_SECONDS = 10.0
TRY = "import os, ssl, sys; os.chdir(sys.argv[1]); open('new', 'w').close()"
"""Whether a sandbox works: a program that imports a part in C, and writes into its own folder."""
FIRST_USER, LAST_USER = 61_184, 65_519
"""User ids that systems reserve for temporary use (systemd's dynamic users)."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/certs",
)
"""All of /etc that a Python program needs. No users, no host names, no addresses."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full")
SEMAPHORES = "/dev/shm"  # noqa: S108 - where the C library keeps them
OWN_PROGRAMS = (limits.__file__, bounds.__file__, landlock.__file__, seccomp.__file__)
"""Programs of this package that run inside. No grader is among them."""
JOIN = (
    "/bin/sh",
    "-c",
    'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"',
    "sh",
)
"""Joins the control groups that the next words name, up to `--`, and becomes the command behind it."""


class Tier(StrEnum):
    """How firmly student code is held, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    LIMITS = "limits"


@dataclass(frozen=True)
class Sandbox:
    """The walls around one submission.

    Args:
        user: user and group id of its processes; None: the grader's own.
        read: folders and files that it may read, beside Python and the system's libraries.
        write: folders that it may change.
        ports: of TCP on loopback, where the tier does not come with a network of its own.
        filtered: whether system calls that nobody needs are refused.
        groups: the files through which its processes join control groups.
        netlink: whether the filter allows netlink sockets, which a Jupyter kernel needs.
    """

    tier: Tier = Tier.LIMITS
    user: int | None = None
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    ports: tuple[int, ...] = ()
    filtered: bool = False
    netlink: bool = False
    groups: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """What is stamped into results."""
        words = [self.tier.value]
        words += ["own user"] if self.user is not None else []
        words += ["seccomp"] if self.filtered else []
        if self.tier is Tier.LANDLOCK and self.ports and landlock.version() >= landlock.PORTS_ABI:
            words += ["own ports"]
        return ", ".join(words)

    def command(
        self, words: Sequence[str], programs: Sequence[str] = (), *, memory_watched: bool = False
    ) -> list[str]:
        """The command that runs `words` in the sandbox.

        Args:
            programs: files that are run or read inside, beside those in `read`.
            memory_watched: the caller watches the memory that is used, so address space has no
                limit. A browser reserves far more of it than it uses.
        """
        readable = [*OWN_PROGRAMS, *programs, *_python(), *map(str, self.read)]
        options = self._options(readable)
        options += ["--memory", "watched"] if memory_watched else []
        inner = [sys.executable, "-I", "-S", limits.__file__, *options, *words]
        walled = [*self._bubblewrap(readable), *inner] if self.tier is Tier.BUBBLEWRAP else inner
        return [*self.joining(), *walled]

    def joining(self) -> list[str]:
        """The words before a command that let it join the control groups."""
        return [*JOIN, *map(str, self.groups), "--"] if self.groups else []

    def give(self, folder: Path) -> None:
        """Let the sandbox's user own a folder that it shall write to."""
        if self.user is not None:
            os.chown(folder, self.user, self.user)

    def open_way(self, states: Sequence[Path]) -> None:
        """Let the sandbox's user pass through these private folders to its own below them. What lies
        beside those stays closed: Landlock does not name it. Bubblewrap makes a way of its own.
        """
        if self.user is None or self.tier is not Tier.LANDLOCK:
            return
        for folder in (*self.write, *self.read):
            for parent in folder.parents:
                if any(parent.is_relative_to(state) for state in states):
                    parent.chmod(TRAVERSE)

    def _options(self, readable: Sequence[str]) -> list[str]:
        options = []
        if self.tier is Tier.LANDLOCK:
            rules = {
                "read": [*SYSTEM, *SETTINGS, *DEVICES, *readable],
                "write": ["/dev/null", SEMAPHORES, *map(str, self.write)],
                "ports": self.ports,
            }
            options += ["--landlock", json.dumps(rules)]
        if self.user is not None:
            options += ["--user", f"{self.user}:{self.user}"]
        if self.filtered:
            options += ["--seccomp", "netlink" if self.netlink else "on"]
        return options

    def _bubblewrap(self, readable: Sequence[str]) -> list[str]:
        words = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc"]
        words += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
        words += ["--cap-drop", "ALL"]
        if self.user is None:
            words += ["--unshare-user"]
        else:  # taken back by `limits.py` when it becomes the user
            words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        words += ["--proc", "/proc", "--dev", "/dev"]
        for folder in ("/tmp", SEMAPHORES):  # noqa: S108 - the sandbox's own
            size = str(bounds.MAX_TEMPORARY_BYTES)
            words += ["--perms", "1777", "--size", size, "--tmpfs", folder]
        for place in SYSTEM:
            if Path(place).is_symlink():
                words += ["--symlink", str(Path(place).readlink()), place]
            else:
                words += ["--ro-bind-try", place, place]
        names = (*SETTINGS, *readable)
        words += _parents((*names, *map(str, self.write)))
        for name in names:
            words += ["--ro-bind-try", name, name]
        for path in self.write:
            words += ["--bind", str(path), str(path)]
        return [*words, "--"]


def _parents(names: Iterable[str]) -> list[str]:
    """Folders above these that everybody may pass through; bubblewrap's own are root's alone."""
    parents = {parent for name in names for parent in Path(name).parents if parent != Path("/")}
    words = []
    for parent in sorted(parents):
        words += ["--perms", "0755", "--dir", str(parent)]
    return words


@cache
def _python() -> tuple[str, ...]:
    """Where this Python and its packages lie."""
    places = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])}
    return tuple(sorted(place for place in places if not Path("/usr").is_relative_to(place)))


def new_user() -> int | None:
    """A user id that nobody has; None where we are not root and so cannot become another."""
    if os.geteuid() != 0:
        return None
    return random.randint(FIRST_USER, LAST_USER)  # noqa: S311


@cache
def strongest() -> Tier:
    """The strongest tier that works on this machine: tried, not guessed."""
    for tier in (Tier.BUBBLEWRAP, Tier.LANDLOCK):
        if sys.platform == "linux" and _works(Sandbox(tier)):
            return tier
    return Tier.LIMITS


@cache
def can_change_user(tier: Tier) -> bool:
    """Whether processes of this tier can have a user of their own. Not where we are not root, or
    where another user cannot reach this Python or our temporary folders: in root's own home, say.
    """
    user = new_user()
    return tier is not Tier.LIMITS and user is not None and _works(Sandbox(tier, user))


@cache
def can_filter(tier: Tier) -> bool:
    """Whether system calls can be filtered: the kernel and the machine have a say in it."""
    return tier is not Tier.LIMITS and _works(Sandbox(tier, filtered=True))


def _works(sandbox: Sandbox) -> bool:
    with tempfile.TemporaryDirectory(prefix="bootcamp-") as name:
        home = Path(name, "home")
        home.mkdir()
        sandbox = replace(sandbox, write=(home,))
        sandbox.give(home)
        sandbox.open_way((Path(name),))
        command = sandbox.command([sys.executable, "-I", "-c", TRY, str(home)])
        try:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0
