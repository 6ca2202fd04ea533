"""The timeline and the report: a line for each fault, a curve, and numbers for machines."""

from __future__ import annotations

import json
from pathlib import Path

from bootcamp.bench.chaos.judging import Finding, Records, Verdict, judge
from bootcamp.bench.chaos.reporting import MOST_FINDINGS, Report, findings
from bootcamp.bench.chaos.running import Course
from bootcamp.bench.chaos.timeline import Happened, Timeline, draw

KILLED = Happened("node killed", 2.0, 2.1, True, "kill -9 of worker1")
LEFT_OUT = Happened("disk full", 3.0, 3.0, False, "this system allows no mount namespace")
LINE = Timeline(accepted=[0.5, 1.0, 2.0], ended=[1.5, 4.2], faults=[KILLED, LEFT_OUT])


def report(verdict: Verdict) -> Report:
    return Report(
        seed=7,
        jobs=3,
        course=Course(),
        verdict=verdict,
        timeline=LINE,
        requests=4,
        refused=[],
        failures={"poison_job: it killed its workers": 1},
    )


def test_waiting_jobs_second_by_second() -> None:
    assert LINE.waiting() == ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0, 2, 2, 2, 2, 1])


def test_each_fault_is_a_line() -> None:
    assert "node killed" in KILLED.line and "left out: this system" in LEFT_OUT.line


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    draw(LINE, "3 accepted", tmp_path / "timeline.png")
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    draw(Timeline([], [], []), "nothing happened", tmp_path / "empty.png")


def test_the_report_names_what_was_lost() -> None:
    lost = tuple(Finding(one, f"job-{one}", "no end") for one in range(MOST_FINDINGS + 3))
    verdict = Verdict(3, {"completed": 2}, lost, (), {1: 3}, 1)
    text = report(verdict).text()
    assert "lost          23" in text and "document 0, job job-0: no end" in text
    assert "and 3 more" in text and "1 x poison_job" in text
    assert findings("DOUBLED", ()) == []


def test_the_report_for_machines_is_json() -> None:
    told = json.loads(json.dumps(report(judge(Records())).as_json()))
    assert told["lost"] == [] and told["doubled"] == [] and told["seed"] == 7
    assert [one["kind"] for one in told["faults"]] == ["node killed", "disk full"]


def test_the_time_to_drain_begins_with_the_last_fault_or_upload() -> None:
    assert round(report(judge(Records())).drained, 1) == 1.2
