"""The walls around student code, tried from inside: what each tier lets through, and what not."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.run.runner import run_week
from autograder.sandbox import landlock, seccomp, tiers
from autograder.sandbox.tiers import Sandbox, Tier
from bootcamp import paths, ports
from bootcamp.course.weeks import find_week
from bootcamp.stack import Stack
from tests.autograder import walled
from tests.parts import missing

FIRM = (Tier.BUBBLEWRAP, Tier.LANDLOCK)
LET_THROUGH = {
    "own port",
    "listen on an own port",
    "local socket",
    "UDP",
    "read own file",
    "write own folder",
    "thread",
    "program",
}
HELD_BY_NETWORK = {"other port", "listen on another port"}
"""In the first tier this is the work of a network namespace, which the grading process enters."""


@pytest.fixture
def outside() -> Iterator[subprocess.Popen[bytes]]:
    """A process that a signal would end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture(params=FIRM)
def tier(request: pytest.FixtureRequest) -> Tier:
    tier: Tier = request.param
    if not tiers._works(Sandbox(tier)):
        missing(f"the tier {tier} does not work on this machine")
    return tier


def tried(
    walls: Sandbox, folder: Path, other_folder: Path, process: int
) -> tuple[dict[str, bool], str]:
    """What could be done within the walls, by name."""
    own_file, other_file = folder / "own.txt", other_folder / "other.txt"
    other_folder.mkdir()
    other_file.write_text("another's")
    own_file.write_text("one's own")
    with (
        socket.create_server((ports.LOOPBACK, ports.free_port())) as own,
        socket.create_server((ports.LOOPBACK, 0)) as other,
        socket.create_server((ports.LOOPBACK, 0)) as freed,
    ):
        plan = {
            "own_port": own.getsockname()[1],
            "free_port": (free := ports.free_port()),
            "other_port": other.getsockname()[1],
            "other_free_port": freed.getsockname()[1],
            "own_file": str(own_file),
            "own_folder": str(folder),
            "other_file": str(other_file),
            "other_folder": str(other_folder),
            "grader": str(Path(tiers.__file__).parent / "session.py"),
            "process": process,
        }
        freed.close()
        allowed = (plan["own_port"], free)
        program = Path(walled.__file__)
        walls = replace(walls, read=(program,), write=(folder,), ports=allowed)
        command = walls.command([sys.executable, str(program), json.dumps(plan)])
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    could: dict[str, bool] = json.loads(done.stdout)
    return could, done.stderr


def test_what_is_let_through_and_what_is_not(
    tier: Tier, tmp_path: Path, outside: subprocess.Popen[bytes]
) -> None:
    walls = Sandbox(tier, filtered=tiers.can_filter(tier))
    folder = tmp_path / "home"
    folder.mkdir()
    could, log = tried(walls, folder, tmp_path / "other", outside.pid)
    let_through = {name for name, worked in could.items() if worked}
    free = HELD_BY_NETWORK if tier is Tier.BUBBLEWRAP else set()
    assert let_through - free == LET_THROUGH, log
    assert outside.poll() is None


def test_the_stamp_names_what_held(tier: Tier, stack: Stack) -> None:
    week = find_week("1")
    result = run_week(week, week.solutions, items=["1.1"], stack=stack, tier=tier)
    assert result.passed
    stamp = result.sandbox.split(", ")
    assert stamp[0] == tier
    assert ("seccomp" in stamp) == tiers.can_filter(tier)
    assert ("own user" in stamp) == tiers.can_change_user(tier)
    assert ("own ports" in stamp) == (tier is Tier.LANDLOCK and landlock.version() >= 4)


OPENED = """
mount --bind "$1" "$3"
mount -t tmpfs -o mode=755 none "$2"
mkdir -p "$1"
mount --bind "$3" "$1"
"""
"""A shell's words: nothing but a folder ($1) is left of a closed one above it ($2), which is open."""
GRADE = """
from autograder.run.runner import run_week
from autograder.sandbox.tiers import Tier
from bootcamp.stack import Stack
from bootcamp.course.weeks import find_week
week = find_week("1")
with Stack() as stack:
    result = run_week(week, week.solutions, items=["1.1"], stack=stack, tier=Tier.LANDLOCK)
print(result.passed, result.sandbox)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes other users")
def test_another_user_reaches_its_own_files_without_bubblewrap(tmp_path: Path) -> None:
    """As in a container: root grades, the tier is Landlock, our folders are private. Here this
    Python may lie in root's own home; so the test runs where that home is open.
    """
    if closed := first_closed(paths.ROOT):
        pytest.skip(f"other users cannot enter {closed}, so none can run the course's code")
    closed = first_closed(Path(sys.base_prefix))
    words = ("set -e\n" + OPENED if closed else "") + 'exec "$4" -c "$5"'
    arguments = [sys.base_prefix, closed or "/", tmp_path, sys.executable, GRADE]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", words, "sh", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
    )
    assert done.stdout.startswith("True landlock, own user"), done.stdout + done.stderr


def first_closed(folder: Path) -> Path | None:
    """The first folder above that other users cannot pass through."""
    above = reversed([folder, *folder.parents])
    return next((one for one in above if not one.stat().st_mode & 0o001), None)


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_decides_as_its_lists_say(machine: str) -> None:
    column = list(seccomp.ARCHITECTURES).index(machine)
    architecture = seccomp.ARCHITECTURES[machine]
    refused = seccomp.REFUSE | errno.EPERM
    for name, numbers in seccomp.CALLS.items():
        assert verdict(machine, architecture, numbers[column]) == refused, name
    clone, clone3, opened = (n[column] for n in (seccomp.CLONE, seccomp.CLONE3, seccomp.SOCKET))
    assert verdict(machine, architecture, clone, 17) == seccomp.ALLOW
    assert verdict(machine, architecture, clone, 17 | walled.NEW_USER) == refused
    assert verdict(machine, architecture, clone3) == seccomp.REFUSE | errno.ENOSYS
    for arguments, allowed in {
        (1, 1, 0): True,
        (1, 5, 0): True,
        (2, 1 | socket.SOCK_CLOEXEC, 6): True,
        (10, 2, 17): True,
        (2, 1, walled.MULTIPATH_TCP): False,
        (2, 3, 0): False,
        (walled.VSOCK, 1, 0): False,
        (walled.NETLINK, 3, 0): False,
    }.items():
        found = verdict(machine, architecture, opened, *arguments)
        assert (found == seccomp.ALLOW) == allowed, arguments
    assert verdict(machine, architecture, 63) == seccomp.ALLOW
    assert verdict(machine, 0x40000003, 63) == seccomp.KILL


def verdict(machine: str, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would decide: the filter, run by hand."""
    data = {seccomp.NUMBER: number, seccomp.ARCHITECTURE: architecture}
    data |= {16 + 8 * place: value for place, value in enumerate((*arguments, 0, 0, 0))}
    words = seccomp.program(machine)
    word = place = 0
    while True:
        code, yes, no, constant = words[place]
        place += 1
        match code:
            case seccomp.LOAD:
                word = data[constant]
            case seccomp.AND:
                word &= constant
            case seccomp.RETURN:
                return constant
            case seccomp.EQUAL:
                place += yes if word == constant else no
            case seccomp.AT_LEAST:
                place += yes if word >= constant else no
            case seccomp.ANY_BIT:
                place += yes if word & constant else no


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program("riscv64")


def test_blocks_of_ports_are_apart() -> None:
    """Three processes at once: each takes its ports from a block of its own."""
    code = (
        "from bootcamp.ports import *; b = keep_to_block(); "
        "p = [free_port() for _ in range(20)]; print(b[0], all(x in b for x in p), flush=True); input()"
    )
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    said = [one.stdout.readline().split() for one in running if one.stdout]
    for one in running:
        one.communicate("\n")
    assert [own for _, own in said] == ["True"] * 3
    assert len({first for first, _ in said}) == 3
