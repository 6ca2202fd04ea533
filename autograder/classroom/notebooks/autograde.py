"""Grades one student's notebook with nbgrader, in a process of its own, and writes the feedback.

    python -m autograder.classroom.notebooks.autograde JSON

The process enters a network of its own and limits its memory before it imports nbgrader. The kernel
runs in a sandbox within that network. The last line that it prints is JSON: what went wrong, or "".
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.network import enter_private_network
from bootcamp import paths

STARTUP_SECONDS = 30
MAX_MEMORY_BYTES = 4 * 1024**3
"""Address space of the process that collects what a kernel prints."""


@dataclass(frozen=True)
class Order:
    """Which notebook to grade, in which nbgrader course."""

    course: str
    """The course's folder."""
    gradebook: str
    """A SQLite file."""
    assignment: str
    student: str

    def json(self) -> str:
        return json.dumps(asdict(self))


def nbgrader(order: Order) -> Any:
    """nbgrader for this course, with the settings of `notebooks/nbgrader_config.py`."""
    from jupyter_core.paths import jupyter_runtime_dir
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    loader = PyFileConfigLoader("nbgrader_config.py", path=str(paths.NOTEBOOKS))
    config = loader.load_config()
    config.CourseDirectory.root = order.course
    config.CourseDirectory.db_url = f"sqlite:///{order.gradebook}"
    config.NbGraderAPI.log_level = "ERROR"
    # Sockets in a folder, not on ports: the sandbox's filter refuses to list network interfaces.
    config.KernelManager.transport = "ipc"
    config.KernelManager.connection_file = str(Path(jupyter_runtime_dir(), "kernel.json"))
    config.Execute.startup_timeout = STARTUP_SECONDS
    return NbGraderAPI(config=config)


def main(order: Order) -> None:
    """Grade, write the feedback, and print what went wrong."""
    enter_private_network()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    api = nbgrader(order)
    graded = api.autograde(order.assignment, order.student)
    if graded["success"]:
        graded = api.generate_feedback(order.assignment, order.student)
    problem = "" if graded["success"] else graded.get("error") or graded.get("log") or "unknown"
    print(json.dumps({"problem": problem.strip().splitlines()[-1] if problem else ""}))


if __name__ == "__main__":
    main(Order(**json.loads(sys.argv[1])))
