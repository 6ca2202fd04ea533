"""What several scenes do: submit a small document of their own, and wait for its job."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from bootcamp.demo.stage import DemoFailed, Stage

JOB_SECONDS = 60.0
"""How long one of these jobs may take, its waits included."""
POLL_SECONDS = 0.05


def scripted(stage: Stage) -> bool:
    """Whether the stand-in answers, which fails as a scene asks it to."""
    return stage.report.openai == "stand-in"


def submit_note(stage: Stage, text: str) -> str:
    """Submit a small document, and return its job's id."""
    content = f"{text} {uuid4()}".encode()
    key = {"Idempotency-Key": str(uuid4())}
    files = {"file": ("note.txt", content)}
    accepted = stage.ask("POST", "/documents", files=files, headers=key)
    return str(accepted["job_id"])


def finished_job(stage: Stage, job_id: str) -> dict[str, Any]:
    """The job, once it is finished.

    Raises:
        DemoFailed: it takes too long.
    """
    deadline = time.monotonic() + JOB_SECONDS
    while time.monotonic() < deadline:
        stage.check_alive()
        job: dict[str, Any] = stage.ask("GET", f"/jobs/{job_id}")
        if job["status"] in ("completed", "failed", "cancelled"):
            return job
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"After {JOB_SECONDS:.0f} s job {job_id} is {job['status']}.")
