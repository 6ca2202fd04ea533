"""A layer of the tests: kills the worker process where a webhook could get lost.

A file in the folder `SABOTAGE` says where, once: `kill-untold` when a job has ended and nobody was
told, `kill-unsent` when a delivery was taken, `kill-unrecorded` when it was sent. `hold-untold` holds
the worker there for as long as the file exists, and `hold-parse` in the first step.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from pipeline.tasks import document_pipeline
from pipeline.webhooks import hook, notify

FOLDER = Path(os.environ["SABOTAGE"])

fan_out = hook.fan_out  # type: ignore[attr-defined]
post = notify.post  # type: ignore[attr-defined]
report = document_pipeline.report


def kill(where: str) -> None:
    order = FOLDER / f"kill-{where}"
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def hold(where: str) -> None:
    while (FOLDER / f"hold-{where}").exists():
        time.sleep(0.02)


def sabotaged_report(task: Any, document_id: str, step: str) -> None:
    report(task, document_id, step)
    hold(step)


def sabotaged_fan_out(job: Any) -> None:
    kill("untold")
    (FOLDER / "untold").touch()
    hold("untold")
    fan_out(job)


def sabotaged_post(*args: Any) -> Any:
    kill("unsent")
    attempt = post(*args)
    kill("unrecorded")
    return attempt


document_pipeline.report = sabotaged_report
hook.fan_out = sabotaged_fan_out  # type: ignore[attr-defined]
notify.post = sabotaged_post  # type: ignore[attr-defined,assignment]
