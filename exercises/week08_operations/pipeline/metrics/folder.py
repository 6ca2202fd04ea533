"""Makes the folder in which the processes of a node share their numbers. Given to students complete.

A worker runs its tasks in child processes, and each of them counts for itself. With
`PROMETHEUS_MULTIPROC_DIR` set, `prometheus_client` keeps the numbers of each process in a file of this
folder, and the process that exports adds them up. Without it a process exports its own numbers alone.

The folder must be empty when the node starts: the file of an old process would be counted too.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import values

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def shared() -> bool:
    """Whether the processes of this node share a folder."""
    return bool(os.environ.get(VARIABLE))


if shared():
    Path(os.environ[VARIABLE]).mkdir(parents=True, exist_ok=True)
    # The library chooses at its import. If somebody imported it before the variable was set, choose again.
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
