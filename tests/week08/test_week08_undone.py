"""Weeks 1 to 8 without 8.2 and 8.3: a document is processed, and nothing recovers by itself."""

from __future__ import annotations

import shutil
import time

import httpx
import redis

from bootcamp.course.layers import Layer, Source
from bootcamp.stack.apps import Apps, start_worker
from tests.week08.conftest import LAYERS, WEEK
from tests.week08.running import QUICK, Api

UNDONE = ("schedule", "recovery", "cancellation")


def test_without_the_homework(run, tmp_path):
    layer = tmp_path / "layer"
    shutil.copytree(WEEK.solutions, layer, ignore=shutil.ignore_patterns("__pycache__"))
    for name in UNDONE:
        shutil.copy(WEEK.exercises / f"pipeline/tasks/{name}.py", layer / "pipeline/tasks")
    layers = (Layer(WEEK, Source.STUDENT, layer), *LAYERS[1:])
    env = {**run.environment(), **QUICK}
    with (
        Apps(env, layers, state=tmp_path / "apps") as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=60, trust_env=False) as http,
    ):
        api = Api(http, run, apps)
        job_id = api.accepted(b"The keeper lit the lamp.")
        assert api.ended(job_id)["status"] == "completed"
        assert api.cancel(job_id).status_code == 409
        assert api.delete(job_id).status_code == 204
        apps.workers[0].stop()
        waiting = api.accepted(b"The sea was calm.")
        assert api.cancel(waiting).status_code == 200
        lost = api.accepted(b"The lamp went out.")
        redis.Redis.from_url(f"{run.redis_url}/0").flushall()
        start_worker(apps.workers[0])
        time.sleep(2)
        assert api.job(lost)["status"] == "pending"  # the thread of the API is gone
