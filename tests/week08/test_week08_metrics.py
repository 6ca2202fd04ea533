"""Week 8.6 with real processes: metrics of all processes of a machine, JSON logs, and the dashboard."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bootcamp.stack import Run
from tests.week08.keyed import Keyed, keyed

pytestmark = pytest.mark.usefixtures("wired_as_in_week_eight")

DASHBOARD = Path("ops/grafana/pipeline.json")
NAME = re.compile(r"\bpipeline_[a-z_]+")
JOBS = 3
SECONDS = 60.0


def upload(client: httpx.Client) -> str:
    text = f"The keeper lit the lamp at {time.time_ns()}."
    answer = client.post("/documents/upload", files={"file": ("a.txt", text, "text/plain")})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


def completed(client: httpx.Client, job_id: str) -> None:
    end = time.monotonic() + SECONDS
    while (job := client.get(f"/jobs/{job_id}").json())["status"] != "completed":
        assert time.monotonic() < end and job["status"] != "failed", job
        time.sleep(0.1)


def samples(text: str) -> dict[str, float]:
    """The value of each series, by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}"] = one.value
    return found


def lines_of(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def names(expressions: str) -> set[str]:
    """The names of series, without what histograms and counters add."""
    return {re.sub(r"_(bucket|count|sum|total)$", "", one) for one in NAME.findall(expressions)}


def test_one_node_of_three_processes(run: Run, tmp_path: Path) -> None:
    more = {"LOG_FORMAT": "json", "TOTALS_SECONDS": "0"}
    with keyed(run, tmp_path, workers=1, **more) as system:
        with system.client(system.key("firm")) as client:
            jobs = [upload(client) for _ in range(JOBS)]
            for job in jobs:
                completed(client, job)
            assert client.get("/metrics").status_code == 403
            assert client.get("/admin/stats").status_code == 403
        with system.client(system.key("ops", "--scope", "admin")) as admin:
            time.sleep(0.5)  # the last task's signal comes after the write that ends the job
            answer = admin.get("/metrics")
            stats = admin.get("/admin/stats").json()
        numbers_are_right(samples(answer.text), stats)
        assert answer.headers["content-type"].startswith("text/plain")
        dashboard_fits(answer.text)
        logs_are_json(system, tmp_path, jobs)


def numbers_are_right(found: dict[str, float], stats: dict[str, object]) -> None:
    assert found["pipeline_jobs_ended_total{status=completed}"] == JOBS
    for step in ("parse", "chunk", "embed", "index"):
        labels = f"{{outcome=done,step={step}}}"
        assert found[f"pipeline_step_seconds_count{labels}"] == JOBS, sorted(found)
        assert 0 < found[f"pipeline_step_seconds_sum{labels}"] < SECONDS
    assert found["pipeline_jobs{status=completed}"] == JOBS
    assert (
        found["pipeline_source_up{source=queues}"] == found["pipeline_source_up{source=jobs}"] == 1
    )
    assert found["pipeline_queue_messages{queue=cpu}"] == 0
    assert found["pipeline_queue_oldest_seconds{queue=cpu}"] == 0
    assert stats["jobs"]["completed"] == JOBS  # type: ignore[index]
    assert stats["counters"]["jobs_ended"] == {"completed": JOBS}  # type: ignore[index]
    assert {one["name"] for one in stats["queues"]} >= {"urgent", "cpu", "io"}  # type: ignore[attr-defined]


def dashboard_fits(text: str) -> None:
    """Each series of the dashboard is exported, or is a counter that is still zero."""
    from pipeline.metrics.measures import OURS

    exported = {family.name for family in text_string_to_metric_families(text)}
    exported |= {family.name for family in OURS.collect()}
    dashboard = json.loads(DASHBOARD.read_text())
    shown = set()
    for panel in dashboard["panels"]:
        assert panel["targets"] and panel["title"] and panel["gridPos"]
        for target in panel["targets"]:
            shown |= names(target["expr"])
    assert shown <= exported, shown - exported
    assert {one for one in exported if one.startswith("pipeline_")} <= shown


def logs_are_json(system: Keyed, folder: Path, jobs: list[str]) -> None:
    lines = lines_of(folder / "worker1.log")
    about = {line.get("job_id") for line in lines}
    assert set(jobs) <= about, lines[-3:]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert lines_of(folder / "api.log"), "the API logs JSON too"
    whole = (folder / "worker1.log").read_text() + (folder / "api.log").read_text()
    assert "bk_" not in whole, "a key is in a log"
