"""A layer of the tests: kills the worker process, or holds it, in the middle of a step.

A file `kill-STEP` in the folder `SABOTAGE` kills whoever begins that step, once. A file `hold-STEP`
holds it for as long as the file is there.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pipeline.tasks import document_pipeline

FOLDER = Path(os.environ["SABOTAGE"])

report = document_pipeline.report


def sabotage(task: object, document_id: str, step: str) -> None:
    report(task, document_id, step)  # type: ignore[arg-type]
    with (FOLDER / "begun").open("a") as log:
        log.write(f"{document_id} {step}\n")
    order = FOLDER / f"kill-{step}"
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    while (FOLDER / f"hold-{step}").exists():
        time.sleep(0.02)


document_pipeline.report = sabotage  # type: ignore[assignment]
