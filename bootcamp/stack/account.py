"""As whom PostgreSQL may run. It refuses to run as root, so for root there are two ways round.

1. A user namespace in which this process is an ordinary user: the files stay root's own.
2. Where namespaces are forbidden (most containers): the user `nobody`, who then owns the data.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bootcamp.errors import StackError

UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
TRAVERSE = 0o711
"""Others may pass through the state folder to a folder below, and see nothing."""


@dataclass(frozen=True)
class Account:
    """Words to put before a command, and the user to run it as (None: as we are)."""

    prefix: tuple[str, ...] = ()
    user: tuple[int, int] | None = None

    def give(self, path: Path) -> None:
        """Make a file or folder the user's own."""
        if self.user is not None:
            os.chown(path, *self.user)

    def open_way(self, state: Path) -> None:
        """Let the user pass through the state folder.

        Raises:
            StackError: a folder above it is closed; we do not open what is not ours to open.
        """
        if self.user is None:
            return
        closed = next((one for one in state.parents if not one.stat().st_mode & 0o001), None)
        if closed:
            raise StackError(
                f"PostgreSQL runs as `nobody` here, who cannot enter {closed}.",
                "Work as an ordinary user, or set BOOTCAMP_STATE to another folder.",
            )
        state.chmod(TRAVERSE)


@cache
def can_unshare() -> bool:
    """Whether this system lets us make a user namespace."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def postgres_account(binaries: Path) -> Account:
    """How to run the PostgreSQL programs in this folder.

    Raises:
        StackError: we are root, have no user namespaces, and `nobody` cannot read the programs.
    """
    if os.geteuid() != 0:
        return Account()
    if can_unshare():
        return Account(prefix=UNSHARE)
    nobody = pwd.getpwnam("nobody")
    user = (nobody.pw_uid, nobody.pw_gid)
    probe = (
        subprocess.run(
            [binaries / "postgres", "--version"],
            user=user[0],
            group=user[1],
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        if _enterable(binaries)
        else None
    )
    if probe is None or probe.returncode != 0:
        raise StackError(
            "PostgreSQL does not run as root, user namespaces are not allowed here, and the user "
            f"`nobody` cannot read {binaries}.",
            "Work as an ordinary user, or put the virtual environment where all can read it.",
        )
    return Account(user=user)


def _enterable(folder: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))
