"""`make chaos` itself, with a few documents: every kind of fault once, and Ctrl-C in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bootcamp import paths
from bootcamp.bench.chaos.schedule import Kind

JOBS = 12
RUN_SECONDS = 240.0
"""It takes about 50 s on idle cores."""
ENDING_SECONDS = 60.0


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bootcamp.bench.chaos", "--jobs", str(JOBS), "--quick"]
    (folder / "tmp").mkdir()
    return subprocess.Popen(
        [*command, "--seed", "5", "--folder", str(folder), "--json", *words],
        cwd=paths.ROOT,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=(folder / "progress.txt").open("w"),
    )


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run, a little later."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def wait_for(text: str, folder: Path) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while text not in (folder / "progress.txt").read_text():
        assert time.monotonic() < deadline, (folder / "progress.txt").read_text()
        time.sleep(0.2)


@pytest.mark.timeout(RUN_SECONDS + ENDING_SECONDS)
def test_nothing_is_lost_or_doubled_under_every_kind_of_fault(tmp_path: Path) -> None:
    process = start(tmp_path)
    out, _ = process.communicate(timeout=RUN_SECONDS)
    report = json.loads(out)
    assert (report["lost"], report["doubled"], process.returncode) == ([], [], 0)
    assert report["accepted"] == JOBS == sum(report["ended"].values())
    assert report["webhook_ids_per_job"] == {"1": JOBS}
    faults = {one["kind"]: one for one in report["faults"]}
    assert sorted(faults) == sorted(Kind)
    undone = {kind: one["detail"] for kind, one in faults.items() if not one["done"]}
    assert undone.keys() <= {Kind.DISK_FULL}, undone  # some systems allow no mount namespace
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
@pytest.mark.timeout(RUN_SECONDS + ENDING_SECONDS)
def test_ctrl_c_prints_what_is_known_and_leaves_no_process(tmp_path: Path) -> None:
    process = start(tmp_path, "--only", "node_frozen", "dynamodb_away", "provider_storm")
    wait_for("All is up", tmp_path)
    time.sleep(6)  # faults that last have begun
    processes = family(process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=ENDING_SECONDS)
    report = json.loads(out)
    assert process.returncode == 130 and report["interrupted"]
    assert len(processes) > 10 and not left(processes)
    assert not list((tmp_path / "tmp").iterdir()), "a folder was left behind"


@pytest.mark.long
@pytest.mark.timeout(RUN_SECONDS + ENDING_SECONDS)
@pytest.mark.parametrize(
    ("mistake", "found", "kinds"),
    [
        ("no_recovery", "lost", ["dynamodb_away", "redis_emptied"]),
        ("new_webhook_ids", "doubled", ["receiver_upset"]),
    ],
)
def test_a_mistake_is_found(mistake: str, found: str, kinds: list[str], tmp_path: Path) -> None:
    """Without this, nobody knows whether the run above could fail."""
    words = ["--mistake", mistake, "--patience", "15", "--only", *kinds]
    out, _ = start(tmp_path, *words).communicate(timeout=RUN_SECONDS)
    assert json.loads(out)[found]
