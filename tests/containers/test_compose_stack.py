"""docker-compose.yml and Dockerfile as they are: built, started, used, scaled, hurt and taken down.

The tests share one stack and run in this order. They reach it through the ports that it publishes
on 127.0.0.1, as a client of the real stack would.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bootcamp import paths
from bootcamp.ports import free_port
from bootcamp.providers import Fault
from bootcamp.providers.clients import OpenAIControl
from tests.containers.engine import Engine

PORTS = ("API_PORT", "OPENAI_PORT", "FLOWER_PORT")
START_SECONDS = 180.0
JOB_SECONDS = 180.0
"""A killed worker's job is taken over when its lease of 30 seconds has expired."""
DOCUMENTS = 12
WORKERS = 3
SLOTS = 2 * WORKERS
"""Tasks that they run at the same time, two each by default."""
SLOW_SECONDS = 15.0
"""How long the model takes for the first embedding in each slot. Meanwhile a worker is killed."""
BUILD = {"build": {"network": "host", "args": ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]}}
"""What the tests add to each service that is built: the daemon has no other network that leads out."""


class Compose:
    """The stack of docker-compose.yml, with ports and secrets of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.settings = {name: str(free_port()) for name in PORTS}
        example = (paths.ROOT / ".env.example").read_text()
        for line in example.splitlines():
            if line.endswith("=generate-me"):
                self.settings[line.partition("=")[0]] = secrets.token_hex(24)
        settings = folder / "env"
        settings.write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()))
        builds = folder / "builds.json"
        builds.write_text(json.dumps({"services": dict.fromkeys(built_services(), BUILD)}))
        self._options = ["--file", "docker-compose.yml", "--file", str(builds)]
        self._options += ["--env-file", str(settings)]

    def __call__(self, *words: str) -> str:
        """Run `docker compose` and return what it printed."""
        return self.engine.docker("compose", *self._options, *words)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What Compose knows about each container of a service, those that have ended too."""
        lines = self("ps", "--all", "--format", "json", service).splitlines()
        return [json.loads(line) for line in lines]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.settings[name]}"

    def wait_until_healthy(self, service: str, number: int) -> None:
        def healthy() -> bool:
            states = [one["Health"] for one in self.containers(service)]
            return states.count("healthy") == number

        wait_for(healthy, START_SECONDS, f"{service}: {number} healthy")


def built_services() -> list[str]:
    services = yaml.safe_load((paths.ROOT / "docker-compose.yml").read_text())["services"]
    return [name for name, service in services.items() if "build" in service]


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def compose(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    compose = Compose(engine, tmp_path_factory.mktemp("compose"))
    try:
        compose("up", "--build", "--detach")
        compose.wait_until_healthy("api", 1)
        compose.wait_until_healthy("worker", 1)
        compose.wait_until_healthy("beat", 1)
        compose.wait_until_healthy("flower", 1)
        yield compose
    finally:
        print(compose("logs", "--tail=40"))  # pytest shows it if a test failed
        compose("down", "--volumes", "--timeout=5")


@pytest.fixture(scope="module")
def api(compose: Compose) -> Iterator[httpx.Client]:
    key = compose(
        "exec", "-T", "api", "python", "-m", "pipeline.keys", "create", "--owner", "tests"
    )
    with httpx.Client(
        base_url=compose.url("API_PORT"),
        headers={"Authorization": f"Bearer {key.strip()}"},
        timeout=30,
        trust_env=False,
    ) as client:
        yield client


def upload(api: httpx.Client, text: str) -> str:
    """Upload a text as a document and return the id of its job."""
    answer = api.post("/documents", files={"file": ("note.txt", text.encode())})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def job(api: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = api.get(f"/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finished(api: httpx.Client, job_ids: list[str]) -> list[dict[str, Any]]:
    """The jobs, when all have finished."""

    def all_done() -> bool:
        return all(job(api, one)["finished_at"] for one in job_ids)

    wait_for(all_done, JOB_SECONDS, f"{len(job_ids)} jobs have finished")
    return [job(api, one) for one in job_ids]


@pytest.mark.timeout(1200)  # the first test waits for images, too
def test_the_stores_are_prepared_before_the_api_starts(compose: Compose) -> None:
    for service in ("bucket", "migrate"):
        (container,) = compose.containers(service)
        assert (container["State"], container["ExitCode"]) == ("exited", 0)
    assert "The stores are ready." in compose("logs", "migrate")


def test_a_stranger_gets_nothing(compose: Compose) -> None:
    for port, path in (("API_PORT", "/jobs"), ("FLOWER_PORT", "/metrics")):
        assert httpx.get(f"{compose.url(port)}{path}", trust_env=False).status_code == 401


def test_an_uploaded_document_is_processed_and_found(api: httpx.Client) -> None:
    job_id = upload(api, "The lighthouse keeper counts quokkas at dawn.")
    (done,) = finished(api, [job_id])
    assert done["status"] == "completed", done
    answer = api.get("/search", params={"q": "Who counts quokkas?"})
    assert answer.status_code == 200, answer.text
    first = answer.json()["results"][0]
    assert first["document_id"] == done["document"]["document_id"]
    assert "quokkas" in first["text"]


def test_documents_survive_a_worker_that_is_killed(compose: Compose, api: httpx.Client) -> None:
    compose("up", "--detach", "--no-recreate", "--scale", f"worker={WORKERS}")
    compose.wait_until_healthy("worker", WORKERS)
    openai = OpenAIControl(
        compose.url("OPENAI_PORT"),
        compose.settings["CONTROL_TOKEN"],
        compose.settings["OPENAI_API_KEY"],
    )
    openai.clear()
    openai.script(Fault.slow(SLOW_SECONDS, times=SLOTS, on="embeddings"))
    jobs = [
        upload(api, f"Document {number}: {secrets.token_hex(8)}") for number in range(DOCUMENTS)
    ]
    wait_for(lambda: waiting(openai) == SLOTS, JOB_SECONDS, "every worker waits for the model")
    compose.engine.docker("kill", compose.containers("worker")[0]["Name"])
    done = finished(api, jobs)
    openai.close()
    assert [one["status"] for one in done] == ["completed"] * DOCUMENTS
    assert max(one["deliveries"] for one in done) > 1, (
        done
    )  # a second worker began with one of them
    running = [one for one in compose.containers("worker") if one["State"] == "running"]
    assert len(running) == WORKERS - 1


def waiting(openai: OpenAIControl) -> int:
    """How many requests the model is working on."""
    return sum(entry.ended is None for entry in openai.journal("embeddings"))


def test_down_removes_everything(compose: Compose) -> None:
    compose("down", "--volumes")
    docker = compose.engine.docker
    assert docker("ps", "--all", "--quiet") == ""
    assert docker("volume", "ls", "--quiet") == ""
    assert docker("network", "ls", "--filter", "type=custom", "--quiet") == ""
