"""A layer of the tests: kills the worker process where a webhook could get lost.

A file in the folder `SABOTAGE` says where, once: `kill-untold` when a job has ended and nobody was
told, `kill-unsent` when a delivery was taken, `kill-unrecorded` when it was sent.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from pipeline.tasks import notifying
from pipeline.webhooks import notify

FOLDER = Path(os.environ["SABOTAGE"])

fan_out = notifying.fan_out
post = notify.post


def kill(where: str) -> None:
    order = FOLDER / f"kill-{where}"
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def sabotaged_fan_out(job: Any) -> None:
    kill("untold")
    fan_out(job)


def sabotaged_post(*args: Any) -> Any:
    kill("unsent")
    attempt = post(*args)
    kill("unrecorded")
    return attempt


notifying.fan_out = sabotaged_fan_out
notify.post = sabotaged_post
