"""One stack for the whole test session, and a run of its own for each test that asks."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.process.fork_client import Host
from bootcamp.stack import Run, Stack
from tests import weeks
from tests.forking.client import ForkServer
from tests.validation import selection

STARTS_ANEW = {"stack"}
"""Folders of tests whose processes start as a user's do."""

# jsonschema, which nbformat imports, uses this package where it is installed: it compiles forty
# grammars at import, which costs every test process four seconds. Nothing here checks an IRI.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with Ctrl-C ignored, and every child inherits that. Tests that
    # press Ctrl-C need a process that hears it, wherever they are started from.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    selection.add_options(parser)
    weeks.add_options(parser)
    parser.addoption(
        "--containers",
        action="store_true",
        help="Run the tests that start a Docker daemon. `make test-containers` sets it.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    selection.choose(config, items)
    weeks.choose(config, items)


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """A parent that has imported the libraries, and forks Python processes."""
    server = ForkServer(tmp_path_factory.mktemp("fork"))
    yield server
    server.stop()


@pytest.fixture(autouse=True, scope="module")
def starts(request: pytest.FixtureRequest, fork_server: ForkServer) -> Iterator[None]:
    """Fork what `Process` starts, where the tests of a module are not about starting."""
    if request.node.path.parent.name in STARTS_ANEW or sys.platform != "linux":
        yield
        return
    with fork_server.starts():
        yield


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
    with Host(folder) as host:
        host.await_ready()
        yield host


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    with stack.isolated() as run:
        yield run
