"""Every live notebook: clean in git, runs from top to bottom, and leaves nothing behind.

The newest week's notebook starts everything itself, as a teacher's does without a stack that is up. The
others join the stack of this test session, and fork what they start.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from bootcamp import paths
from bootcamp.course.weeks import Week, all_weeks
from tests.forking.client import ForkServer

CELL_SECONDS = 240
GONE_SECONDS = 30.0
MINUTES = re.compile(r"^## .*\((\d+) minutes?\)$", re.MULTILINE)
WEEKS = [week for week in all_weeks() if week.live_notebook.exists()]
each_week = pytest.mark.parametrize("week", WEEKS, ids=str)


@pytest.fixture(autouse=True, scope="module")
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No notebook here joins a developer's stack, and matplotlib starts without a cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOTCAMP_STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("PYTHONPATH", str(paths.ROOT))
        patch.delenv("MPLCONFIGDIR", raising=False)
        yield


class Stage:
    """One kernel, and every process that was ever seen below it.

    Args:
        forks: the parent of what it starts; None if it starts that as a user's kernel does.
    """

    def __init__(
        self, notebook: NotebookNode, folder: Path, forks: ForkServer | None = None
    ) -> None:
        self.forks = forks
        self.client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=[f"--IPKernelApp.exec_lines={line}" for line in self._first_lines()],
        )
        self.before = forks.children() if forks else set()
        self.seen: set[psutil.Process] = set()

    def _first_lines(self) -> list[str]:
        """What the kernel runs before the first cell."""
        if self.forks is None:
            return []
        address = str(self.forks.address())
        return [f"__import__('tests.forking.client').forking.client.use({address!r})"]

    @property
    def kernel(self) -> psutil.Process:
        return psutil.Process(self.client.km.provisioner.pid)  # type: ignore[attr-defined]

    def run(self, cell: NotebookNode, index: int) -> None:
        try:
            self.client.execute_cell(cell, index)
        finally:
            forked = self.forks.children() - self.before if self.forks else set()
            self.seen |= {self.kernel, *self.kernel.children(recursive=True), *forked}

    def leftovers(self) -> list[str]:
        """What still runs once the kernel is gone; waits a while for it to end."""
        _, alive = psutil.wait_procs(self.seen, timeout=GONE_SECONDS)
        return [" ".join(process.cmdline()) for process in alive]


@contextmanager
def stage(
    notebook: NotebookNode, folder: Path, forks: ForkServer | None = None
) -> Iterator[Stage]:
    one = Stage(notebook, folder, forks)
    with one.client.setup_kernel():
        yield one


def read(week: Week) -> NotebookNode:
    return nbformat.read(week.live_notebook, as_version=4)


def stderr(cell: NotebookNode) -> str:
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    )


@each_week
def test_is_stripped_and_stable(week: Week) -> None:
    """To strip: jupyter nbconvert --clear-output --inplace notebooks/live/*.ipynb"""
    notebook = read(week)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]+", cell.id), f"{cell.id!r}: an id that says something"
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, f"{cell.id} holds output"


@each_week
def test_gives_the_minutes_of_every_part_and_their_sum(week: Week) -> None:
    notebook = read(week)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    stated = re.search(r"^(\d+) minutes\.", notebook.cells[0].source, re.MULTILINE)
    assert stated, "the first cell states the minutes: 45 minutes."
    assert int(stated[1]) == sum(int(minutes) for minutes in MINUTES.findall(text))
    assert "**Ask the room" in text


@pytest.fixture
def forks(
    week: Week,
    joined: Path,
    fork_server: ForkServer,
    monkeypatch: pytest.MonkeyPatch,
) -> ForkServer | None:
    """For all weeks but the newest: the session's stack is the one that is up, and processes fork."""
    if week == WEEKS[-1] or sys.platform != "linux":
        return None
    monkeypatch.setenv("BOOTCAMP_STATE", str(joined))
    return fork_server


@each_week
def test_runs_from_top_to_bottom(week: Week, forks: ForkServer | None) -> None:
    notebook = read(week)
    with stage(notebook, week.live_notebook.parent, forks) as live:
        for index, cell in enumerate(notebook.cells):
            live.run(cell, index)  # raises if the cell does
    assert not [cell.id for cell in notebook.cells if cell.cell_type == "code" and stderr(cell)]
    assert any("image/png" in output.get("data", {}) for output in outputs(notebook)), "no figure"
    assert len(live.seen) > 5, "no services were started"
    assert live.leftovers() == []


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


START = "from bootcamp.notebooks.live import start\nlive = start(week=1)"
USE = "from pipeline.producer import enqueue_articles\nprint(len(enqueue_articles(['again'])))"


def texts(cell: NotebookNode) -> str:
    return "".join(
        output.get("text", "") + "\n".join(output.get("traceback", ())) for output in cell.outputs
    )


@pytest.mark.long
def test_cells_can_be_run_again_and_an_empty_stage_says_so(tmp_path: Path) -> None:
    sources = [START, START, USE, "live.stop()\nlive.stop()", "live.start_worker(1)", START, USE]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    notebook.cells[4].metadata.tags = ["raises-exception"]
    with stage(notebook, tmp_path) as live:
        for index, cell in enumerate(notebook.cells):
            live.run(cell, index)
    first, again, used, _, empty, afresh, reused = map(texts, notebook.cells)
    assert "week01_first_task" in first
    assert again == first
    assert used == reused == "1\n"
    assert "Run the notebook's first cell again" in empty
    assert "Traceback" not in empty and "live.py" not in empty
    assert afresh != first, "a new run has new addresses"
    assert live.leftovers() == []


def test_a_killed_kernel_leaves_nothing_behind(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell(START)])
    with stage(notebook, tmp_path) as live:
        live.run(notebook.cells[0], 0)
        live.kernel.kill()
        assert live.leftovers() == []
