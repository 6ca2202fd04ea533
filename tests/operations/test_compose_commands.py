"""What `make health` and `make restart` decide, without Docker. `tests/containers` runs them for real."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bootcamp.operations import compose as operating
from bootcamp.operations.compose import Compose, ComposeError, rolling_restart, unhealthy


def container(name: str, state: str = "running", health: str = "healthy", code: int = 0) -> Any:
    return {"Name": name, "Service": name[:-2], "State": state, "Health": health, "ExitCode": code}


def test_what_runs_and_is_healthy_or_has_ended_well_is_fine() -> None:
    assert unhealthy([container("api-1"), container("migrate-1", "exited", "", 0)]) == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (container("api-1", health="unhealthy"), "unhealthy"),
        (container("api-1", health="starting"), "starting"),
        (container("worker-1", "exited", "", 137), "code 137"),
        (container("api-1", "exited", "", 0), "code 0"),  # stopped by somebody
        (container("worker-1", "restarting", "", 1), "restarting"),
        (container("redis-1", "paused", ""), "paused"),
    ],
)
def test_everything_else_is_named(one: Any, said: str) -> None:
    (line,) = unhealthy([container("beat-1"), one])
    assert line.startswith(one["Name"]) and said in line


def test_no_container_at_all_is_no_health() -> None:
    (line,) = unhealthy([])
    assert "make up COMPOSE=1" in line


@pytest.mark.parametrize("form", ["lines", "list"])
def test_both_forms_of_the_list_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    found = [container("api-1"), container("worker-1")]
    text = json.dumps(found) if form == "list" else "\n".join(map(json.dumps, found))
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Compose(".env").containers() == found


class Recorded(Compose):
    """A project whose commands are noted. A new container is as healthy as `health` says."""

    def __init__(self, workers: int, health: str = "healthy") -> None:
        super().__init__(".env")
        self.said: list[str] = []
        self._health = health
        self.present = {"worker": [container(f"worker-{n}") for n in range(1, workers + 1)]}

    def run(self, *words: str, source: Any = None, out: Any = None) -> None:
        self.said.append(" ".join(words))
        if words[0] == "up" and words[-1] in operating.WORKERS:
            found = self.present.setdefault(words[-1], [])
            found.append(container(f"{words[-1]}-new{len(self.said)}", health=self._health))

    def containers(self, *services: str) -> list[dict[str, Any]]:
        names = services or tuple(self.present)
        return [one for name in names for one in self.present.get(name, [container(f"{name}-1")])]

    def docker(self, *words: str) -> None:
        self.said.append(f"docker {' '.join(words)}")
        if words[0] == "rm":
            for found in self.present.values():
                found[:] = [one for one in found if one["Name"] != words[1]]


def test_each_worker_is_replaced_after_its_successor_is_healthy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compose = Recorded(2)
    monkeypatch.setattr(operating, "_docker", compose.docker)
    rolling_restart(compose)
    assert "migrate" in compose.said[0]
    steps = [
        said for said in compose.said if "worker" in said.split()[-1] and "webhooks" not in said
    ]
    assert [said.split()[0] for said in steps] == ["rm", *["up", "docker", "docker"] * 2]
    assert "worker=3" in steps[1] and "docker stop worker-1" in steps[2]
    assert len(compose.present["worker"]) == 2
    assert all("new" in one["Name"] for one in compose.present["worker"])
    last = [said.split()[-1] for said in compose.said[-3:]]
    assert last == list(operating.SINGLE)


def test_a_new_worker_that_is_not_healthy_stops_no_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Recorded(2, health="unhealthy")
    monkeypatch.setattr(operating, "_docker", compose.docker)
    monkeypatch.setattr(operating, "HEALTH_SECONDS", 0.0)
    with pytest.raises(ComposeError, match="worker-new"):
        rolling_restart(compose)
    assert not [said for said in compose.said if said.startswith("docker stop")]
