"""Real workers, an API and Beat on the reference of weeks 1 to 8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bootcamp.stack import Run
from bootcamp.stack.apps import Apps
from bootcamp.stack.process import Process
from tests.week04.conftest import SABOTAGE
from tests.week05.conftest import POISON
from tests.week05.conftest import QUICK as WEEK_FIVE_QUICK
from tests.week06.conftest import QUICK as WEEK_SIX_QUICK
from tests.week06.conftest import Api as WeekSixApi
from tests.week08.conftest import LAYERS

QUICK = {**WEEK_SIX_QUICK, **WEEK_FIVE_QUICK, "BEAT_LOCK_SECONDS": "1", "API_KEYS": "off"}


class Api(WeekSixApi):
    """With the routes of weeks 7 and 8."""

    def cancel(self, job_id: str) -> httpx.Response:
        return self.http.post(f"/jobs/{job_id}/cancel")

    def replay(self, job_id: str) -> httpx.Response:
        return self.http.post(f"/dead-letters/{job_id}/replay")

    def delete(self, job_id: str) -> httpx.Response:
        return self.http.delete(f"/documents/{job_id}")


@contextmanager
def serving(run: Run, folder: Path, *, workers: int = 1, **more: Any) -> Iterator[Api]:
    """API, workers and Beat on a run; `more` are further variables of their environment."""
    extra = [SABOTAGE] * ("SABOTAGE" in more) + [POISON] * ("POISON" in more)
    env = {**run.environment(), **QUICK, **more}
    with (
        Apps(env, (*extra, *LAYERS), workers=workers, state=folder) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=60, trust_env=False) as http,
    ):
        yield Api(http, run, apps)


def kill(worker: Process) -> None:
    """Kill a worker node with its pool, as a lost machine does. It is not started again."""
    worker.kill(group=True)
    worker.wait()


def log_of(api: Api, name: str) -> str:
    """What a process has logged."""
    return next(one.logs() for one in api.apps.processes if one.name == name)


def blobs(run: Run) -> set[str]:
    """The keys in the run's blob store."""
    folder = Path(run.environment()["BLOB_STORE_URL"].removeprefix("file://"))
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {key for key in found if not key.startswith(".")}
