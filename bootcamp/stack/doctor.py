"""Checks of this machine: what the bootcamp needs, what would make it nicer, and what to do.

Each check is a function of plain values, so that tests can put any machine before it; `examine`
collects the values of this one.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bootcamp import environment, paths
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import StackError
from bootcamp.ports import free_port
from bootcamp.stack.account import postgres_account
from bootcamp.stack.browser import ADVICE, find_browser
from bootcamp.stack.postgres import find_binaries
from bootcamp.stack.redis import OLDEST_REDIS, redis_binary, valkey_binary

PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 14)
DISK_NEEDED = 500 * 1024**2
DISK_COMFORTABLE = 2 * 1024**3
LONGEST_PATH = 200
"""Windows stops at 260 characters; the deepest file of the checkout needs its part of that."""
REMOTE_FILE_SYSTEMS = ("9p", "drvfs", "nfs", "cifs", "smb", "sshfs", "afs", "vboxsf", "virtiofs")
CHECKED_SUFFIXES = (".py", ".sh", ".toml")
CHECKED_NAMES = ("Makefile", "Dockerfile")
MEGABYTE = 1024**2
COMMAND_SECONDS = 20


class Status(StrEnum):
    """How a check ended. Only `FAILED` stops the bootcamp from working."""

    OK = "ok"
    OPTIONAL = "optional"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One check's result: what was found, and what to do about it."""

    name: str
    status: Status
    found: str
    advice: str = ""


def python_version(version: tuple[int, int]) -> Finding:
    """The interpreter has to be one that every package has a wheel for."""
    found = ".".join(map(str, version))
    if PYTHON_FROM <= version < PYTHON_BELOW:
        return Finding("Python", Status.OK, found)
    advice = "Make the virtual environment again: rm -rf .venv && make setup PYTHON=python3.13"
    return Finding("Python", Status.FAILED, found, advice)


def disk_space(free_bytes: int, folder: Path) -> Finding:
    """The stack's state needs room; PostgreSQL alone begins with 40 MB."""
    found = f"{free_bytes // MEGABYTE:,} MB free at {folder}"
    advice = "Free some space, or set BOOTCAMP_STATE to a folder on a larger disk."
    if free_bytes < DISK_NEEDED:
        return Finding("Disk", Status.FAILED, found, advice)
    if free_bytes < DISK_COMFORTABLE:
        return Finding("Disk", Status.WARNING, found, advice)
    return Finding("Disk", Status.OK, found)


def line_endings(files: Iterable[Path]) -> Finding:
    """Windows line endings break shell scripts and Makefiles, and make every file look changed."""
    wrong = [file for file in files if b"\r\n" in file.read_bytes()]
    if not wrong:
        return Finding("Line endings", Status.OK, "LF")
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    advice = "Commit and push your work, then clone again: git clone -c core.autocrlf=input …"
    return Finding("Line endings", Status.FAILED, f"CRLF in {wrong[0].name}{more}", advice)


def checkout_path(path: Path) -> Finding:
    """Tools outside of our hands stumble over blanks and very long paths."""
    if len(str(path)) > LONGEST_PATH:
        return Finding(
            "Checkout's path",
            Status.WARNING,
            f"{len(str(path))} characters",
            "Move the checkout to a shorter path.",
        )
    if any(character.isspace() for character in str(path)):
        return Finding(
            "Checkout's path",
            Status.WARNING,
            f"a blank in {path}",
            "The bootcamp works there, but `make` may not. Move it to a path without blanks.",
        )
    return Finding("Checkout's path", Status.OK, str(path))


def file_system(kind: str, mount: str, ignores_case: bool) -> Finding:
    """Databases want a local disk: locks and syncs on a shared one are slow, or lie."""
    found = f"{kind or 'unknown'} at {mount or '/'}"
    remote = any(word in kind.lower() for word in REMOTE_FILE_SYSTEMS)
    if remote or mount.lower().startswith("/mnt/c"):
        advice = "Keep the checkout on a local disk; under WSL in your Linux home, not in /mnt/c."
        return Finding("File system", Status.WARNING, f"{found}: shared or remote", advice)
    if ignores_case:
        advice = "Nothing to do. Mind that Linux tells File.py and file.py apart."
        return Finding("File system", Status.OK, f"{found}, ignores case", advice)
    return Finding("File system", Status.OK, found)


def mount_of(path: Path, mounts: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Kind and mount point of the file system that holds `path`, from (mount point, kind) pairs."""
    holding = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    point, kind = max(holding, key=lambda pair: len(pair[0]), default=("", ""))
    return kind, point


def loopback_ports(pick: Callable[[], int]) -> Finding:
    """The stack listens on free ports of 127.0.0.1."""
    try:
        pick()
    except StackError as error:
        advice = "Let programs listen on 127.0.0.1: look at the firewall, or leave the sandbox."
        return Finding("Loopback ports", Status.FAILED, error.message, advice)
    return Finding("Loopback ports", Status.OK, "can be bound")


def program(name: str, binary: Path | None, advice: str) -> Finding:
    """A server binary that must at least say its version."""
    if binary is None:
        return Finding(name, Status.FAILED, f"none for {_machine()}", advice)
    try:
        done = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, Status.FAILED, f"{binary} does not run: {error}", advice)
    if done.returncode != 0:
        return Finding(name, Status.FAILED, (done.stderr or done.stdout).strip()[:200], advice)
    return Finding(name, Status.OK, done.stdout.partition(" sha=")[0].strip())


def postgres_rights(find: Callable[[], Path]) -> Finding:
    """PostgreSQL refuses to run as root; as root we need one of two ways round."""
    name = "PostgreSQL's account"
    try:
        account = postgres_account(find())
    except StackError as error:
        return Finding(name, Status.FAILED, error.message, error.next_step)
    if account.prefix:
        return Finding(name, Status.OK, "root, in a user namespace")
    return Finding(name, Status.OK, "nobody" if account.user else "you")


OPTIONAL_TOOLS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("git", ("git",), "keeps your versions; `doctor` looks at line endings with it"),
    ("make", ("make",), "short commands: make test, make demo"),
    ("Docker", ("docker", "podman"), "runs the same services as containers: docker compose up"),
    ("bubblewrap", ("bwrap",), "the strongest sandbox for grading other people's code"),
)
"""Name, programs of which one is enough, and what it gives."""


def optional_tool(name: str, found: str | None, gives: str) -> Finding:
    """Never a failure."""
    if found:
        return Finding(name, Status.OK, found)
    return Finding(name, Status.OPTIONAL, "not installed", f"With it: {gives}.")


def browser(found: Path | None) -> Finding:
    """Week 7's page is checked in a real one. Without it those checks are unavailable."""
    name = "a browser"
    if found:
        return Finding(name, Status.OK, str(found))
    return Finding(name, Status.OPTIONAL, "not installed", f"Week 7's checks need one. {ADVICE}")


def shell_variables(names: Sequence[str]) -> Finding:
    """Variables of the shell that lead client libraries elsewhere. The bootcamp ignores them."""
    name = "Shell variables"
    if not names:
        return Finding(name, Status.OK, "none that would interfere")
    advice = "The stack, the graders and the pipeline do not see them. Your own programs do."
    return Finding(name, Status.WARNING, ", ".join(names), advice)


def redis_server(binary: Path | None) -> Finding:
    """An installed Redis is used before Valkey; either will do."""
    name = f"redis-server ≥ {OLDEST_REDIS}"
    if binary:
        return Finding(name, Status.OK, str(binary))
    return Finding(name, Status.OPTIONAL, "not installed", "Valkey, which came along, is used.")


def examine(root: Path = paths.ROOT) -> list[Finding]:
    """Check this machine."""
    state = paths.state_dir()
    disk = next(folder for folder in (state, *state.parents) if folder.exists())
    kind, mount = mount_of(root, _mounts())
    reinstall = (
        "Reinstall: rm -rf .venv && make setup. Wheels exist for Linux and macOS, x86-64 and ARM."
    )
    return [
        python_version((sys.version_info.major, sys.version_info.minor)),
        disk_space(shutil.disk_usage(disk).free, disk),
        loopback_ports(free_port),
        program("PostgreSQL", _postgres_binary(), reinstall),
        postgres_rights(find_binaries),
        program("Redis or Valkey", redis_binary() or valkey_binary(), reinstall),
        checkout_path(root),
        file_system(kind, mount, _ignores_case(disk)),
        line_endings(_tracked_files(root)),
        shell_variables(environment.interfering(settings=_settings())),
        redis_server(redis_binary()),
        *(
            optional_tool(name, next(filter(None, map(shutil.which, programs)), None), gives)
            for name, programs, gives in OPTIONAL_TOOLS
        ),
        browser(find_browser()),
    ]


def is_fit(findings: Iterable[Finding]) -> bool:
    """Whether nothing that is required failed."""
    return all(finding.status is not Status.FAILED for finding in findings)


def _settings() -> list[str]:
    """The pipeline's own settings, in all weeks."""
    folders = (folder for week in all_weeks() for folder in (week.solutions, week.exercises))
    files = (file for folder in folders for file in folder.glob("pipeline/**/*settings.py"))
    return environment.setting_names(files)


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _postgres_binary() -> Path | None:
    try:
        return find_binaries() / "postgres"
    except StackError:
        return None


def _mounts() -> list[tuple[str, str]]:
    import psutil  # type: ignore[import-untyped]

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def _ignores_case(folder: Path) -> bool:
    try:
        with tempfile.NamedTemporaryFile(prefix="case-", dir=folder) as file:
            path = Path(file.name)
            return path.with_name(path.name.swapcase()).exists()
    except OSError:
        return False


def _tracked_files(root: Path) -> list[Path]:
    """Files under version control that line endings matter for; none without git."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    files = (root / name for name in done.stdout.split("\0") if name)
    return [
        file
        for file in files
        if (file.suffix in CHECKED_SUFFIXES or file.name in CHECKED_NAMES) and file.is_file()
    ]
