"""One stack for the whole test session, and a run of its own for each test that asks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from autograder.process.student import base_environment
from bootcamp.stack import Run, Stack

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with Ctrl-C ignored, and every child inherits that. Tests that
    # press Ctrl-C need a process that hears it, wherever they are started from.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make validate` gives both."""
    group = parser.getgroup("proofs")
    group.addoption(
        "--all-validation",
        action="store_true",
        help="Every solution and cheat, not a few of each kind.",
    )
    group.addoption("--note-validation", type=Path, help="Keep what the proofs saw in this folder.")
    parser.addoption(
        "--containers",
        action="store_true",
        help="The tests that start a Docker daemon. `make test-containers` gives it.",
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def joined(stack: Stack, tmp_path: Path) -> Path:
    """A state folder in which a command finds the stack of this test session."""
    (tmp_path / "stack").symlink_to(stack.path)
    return tmp_path


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One parent for the processes of all solutions that are ours: it has imported all they need."""
    folder = tmp_path_factory.mktemp("host")
    with Host(folder, base_environment(folder)) as host:
        host.await_ready()
        yield host


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    with stack.isolated() as run:
        yield run
