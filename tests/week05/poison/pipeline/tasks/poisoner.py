"""A layer of the tests: a document called `kill.txt`, `exit.txt` or `limit.txt` ends whoever embeds it."""

from __future__ import annotations

import os
import signal
import time

from pipeline.tasks import document_pipeline

LIMIT_SECONDS = 2

report = document_pipeline.report
document_pipeline.embed_chunks.soft_time_limit = None
document_pipeline.embed_chunks.time_limit = LIMIT_SECONDS


def poison(task: object, document_id: str, step: str) -> None:
    report(task, document_id, step)  # type: ignore[arg-type]
    name = task.request.args[0]["filename"]  # type: ignore[attr-defined]
    if step != "embed":
        return
    if name == "kill.txt":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "exit.txt":
        os._exit(1)
    if name == "limit.txt":
        time.sleep(60)


document_pipeline.report = poison  # type: ignore[assignment]
