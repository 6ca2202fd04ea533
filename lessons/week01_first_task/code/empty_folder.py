"""Runs a worker and a producer from `first_queue/tasks.py` in an empty folder, without bootcamp.

Redis has another port here than in `tasks.py`. Celery reads two variables that replace the addresses.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from local import local_services

from bootcamp.stack.process import Process

TASKS = Path(__file__).with_name("first_queue") / "tasks.py"
WORKER = ["-m", "celery", "-A", "tasks", "worker", "--loglevel", "INFO"]
PRODUCER = "from tasks import add; print(add.delay(2, 3).get(timeout=10))"


def environment() -> dict[str, str]:
    """Return an environment that names Redis for Celery, and no folder of the course."""
    redis = os.environ["REDIS_URL"]
    addresses = {"CELERY_BROKER_URL": f"{redis}/0", "CELERY_RESULT_BACKEND": f"{redis}/1"}
    return {"PATH": os.environ["PATH"], **addresses}


def main() -> None:
    with local_services(), tempfile.TemporaryDirectory() as folder:
        shutil.copy(TASKS, folder)
        print("files:", *(path.name for path in Path(folder).iterdir()))
        worker = Process(
            [sys.executable, *WORKER],
            env=environment(),
            log=Path(folder) / "worker.log",
            cwd=Path(folder),
            stop_signal=signal.SIGKILL,
        )
        with worker:
            worker.wait_ready(lambda: " ready." in worker.logs())
            command = [sys.executable, "-c", PRODUCER]
            done = subprocess.run(
                command, cwd=folder, env=environment(), check=True, capture_output=True, text=True
            )
            print("result:", done.stdout.strip())


if __name__ == "__main__":
    main()
