"""A commit of a git repository as a tree. Nothing of the repository is ever run.

The commit is fetched into an empty repository of our own, where the student's configuration, hooks
and filters do not reach; files are then read as objects, so nothing is checked out. (`git archive`
would apply the filters that `.gitattributes` names.)
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from autograder.classroom.intake.moments import from_epoch
from autograder.classroom.intake.trees import MAX_ENTRIES, Entry, Kind, Refused, Unread, as_found
from bootcamp.environment import network

GIT_SECONDS = 120.0
"""A git command that takes longer is ended."""
MAX_COMMITS = 10_000
"""So many commits of a branch are looked at."""
MAX_LISTING_BYTES = 16 * 1024 * 1024
PROTOCOLS = "file:https:ssh"
KINDS = {"100644": Kind.FILE, "100755": Kind.FILE, "120000": Kind.LINK, "160000": Kind.SUBMODULE}
PASSED_ON = ("SSH_AUTH_SOCK", "GIT_SSL_CAINFO")
"""How this machine reaches git servers, besides `network()`."""
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_SEPARATE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


def is_repository(folder: Path) -> bool:
    """Whether a folder is a git checkout or a bare repository."""
    return (folder / ".git").exists() or (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    )


class GitTree:
    """One commit of a repository. Use it in a `with` block.

    Args:
        place: a URL (https, ssh) or a path.
        revision: a full commit id, a branch or a tag.
        before: take the last commit of the branch up to this moment, in UTC, by the committers' dates.
            If there is none, take the newest.

    Raises (on entering):
        Unread: the repository or the commit cannot be had. Whose fault that is, git cannot know.
    """

    def __init__(self, place: str, revision: str, before: datetime | None = None) -> None:
        self.place = place
        self.revision = revision
        self.before = before
        self.commit = ""
        """The full id of the commit that is read."""
        self.why = ""
        """Which commit it is, and why this one, in words."""
        self.odd = ""
        """What is wrong with the dates of the commits, in words."""
        self.committed: datetime | None = None
        """When the committer says it was made."""
        self._folder: tempfile.TemporaryDirectory[str]

    def __enter__(self) -> Self:
        if not _REVISION.fullmatch(self.revision) or ".." in self.revision:
            raise Unread(f"{self.revision!r} names no commit")
        self._folder = tempfile.TemporaryDirectory(prefix="bootcamp-git-")
        try:
            self._git("init", "--quiet", "--bare", "--template=", ".")
            depth = [] if self.before else ["--depth=1"]
            options = ("--quiet", *depth, "--no-tags", "--recurse-submodules=no")
            place = str(Path(self.place).resolve()) if Path(self.place).is_dir() else self.place
            self._git("fetch", *options, "--", place, self.revision)
            self._choose()
        except (OSError, ValueError) as error:
            self._folder.cleanup()
            raise Unread(f"git cannot read {self.revision}: {error}") from None
        except Refused:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def _choose(self) -> None:
        """Find the commit to read. Only the branch's own line counts: commits that a merge brings in,
        such as a new week of the course, are not the student's last word.
        """
        most = f"--max-count={MAX_COMMITS}"
        listing = self._git("rev-list", "--first-parent", "--timestamp", most, "FETCH_HEAD")
        line = [(int(stamp), name) for stamp, name in map(str.split, listing.decode().splitlines())]
        limit = self.before.timestamp() if self.before else math.inf
        later = next((place for place, (stamp, _) in enumerate(line) if stamp <= limit), None)
        stamp, self.commit = line[later or 0]
        self.committed = from_epoch(stamp)
        self.why = f"commit {self.commit[:10]} of {_utc(self.committed)}"
        if self.before is None:
            self.why += f", {self.revision}"
        elif later is None:
            self.why += ", the newest: none is before the due moment"
        else:
            self.why += f", the last one before {_utc(self.before)}"
            count = "1 later one does" if later == 1 else f"{later} later ones do"
            self.why += f"; {count} not count" if later else ""
            if any(older > limit for older, _ in line[later:]):
                self.odd = "a commit dated before the due moment builds on one dated after it"

    def entries(self) -> tuple[Entry, ...]:
        listing = self._git("ls-tree", "-r", "-z", "-l", "--full-tree", self.commit)
        if len(listing) > MAX_LISTING_BYTES or listing.count(b"\0") > MAX_ENTRIES:
            raise Refused(f"the commit holds more than {MAX_ENTRIES} files")
        return tuple(map(_entry, filter(None, listing.split(b"\0"))))

    def read(self, entry: Entry, limit: int) -> bytes:
        if entry.size > limit:
            return b"\0" * limit  # known to be too large: there is no need to have it
        return self._git("cat-file", "blob", entry.key)

    def _git(self, *words: str) -> bytes:
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),  # the instructor's keys, for ssh
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",  # a repository's own remotes are never asked
            "GIT_ALLOW_PROTOCOL": PROTOCOLS,
            "LC_ALL": "C",
        }
        variables |= network()  # a university's network may have a proxy
        variables |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        try:
            done = subprocess.run(
                ["git", *_SEPARATE, *words],
                cwd=self._folder.name,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=GIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unread(f"git {words[0]} took more than {GIT_SECONDS:g} s") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-500:]
            raise Unread(f"git {words[0]} of {self.revision} failed: {said}")
        return done.stdout


def _utc(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "no moment"


def _entry(line: bytes) -> Entry:
    """An entry from a line of `git ls-tree -l -z`: mode, type, object, size, a tab, the path."""
    facts, _, raw = line.partition(b"\t")
    mode, _, blob, size = facts.decode().split()
    name = raw.decode("utf-8", "replace")
    path = as_found(name)
    bytes_ = int(size) if size.isdecimal() else 0
    return Entry(path, KINDS.get(mode, Kind.DEVICE), bytes_, key=blob)
