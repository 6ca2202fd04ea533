"""docker-compose.yml, Dockerfile and the Makefile's targets as they are: built, started, used, scaled, hurt,
restarted, saved, destroyed, restored and taken down.

The tests share one stack and run in this order. They reach it through the ports that it publishes
on 127.0.0.1, as a client of the real stack would.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bootcamp import paths
from bootcamp.providers import Fault
from bootcamp.providers.clients import OpenAIControl
from tests.containers.compose import (
    JOB_SECONDS,
    Clients,
    Compose,
    client_of,
    finished,
    job,
    texts_found,
    upload,
    wait_for,
)
from tests.containers.engine import Engine

DOCUMENTS = 12
WORKERS = 3
SLOTS = 2 * WORKERS
"""Tasks that they run at the same time, two each by default."""
SLOW_SECONDS = 15.0
"""How long the model takes for the first embedding in each slot. Meanwhile a worker is killed."""
UNDER_WAY_SECONDS = 120.0
"""The model takes this long for the jobs that are unfinished when the backup is made."""
PUBLISHED = {"api", "flower", "openai"}
"""Services that publish a port when no profile is asked for."""


@pytest.fixture(scope="module")
def compose(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    compose = Compose(engine, tmp_path_factory.mktemp("compose"))
    try:
        compose.make("up", "COMPOSE=1")
        yield compose
    finally:
        print(compose("logs", "--tail=40"))  # pytest shows it if a test failed
        compose("--profile", "load-test", "--profile", "tls", "down", "--volumes", "--timeout=5")


@pytest.fixture(scope="module")
def key(compose: Compose) -> str:
    return compose.new_key()


@pytest.fixture(scope="module")
def api(compose: Compose, key: str) -> Iterator[httpx.Client]:
    with client_of(compose, key) as client:
        yield client


@pytest.fixture
def openai(compose: Compose) -> Iterator[OpenAIControl]:
    control = OpenAIControl(
        compose.url("OPENAI_PORT"),
        compose.settings["CONTROL_TOKEN"],
        compose.settings["OPENAI_API_KEY"],
    )
    control.clear()
    yield control
    control.clear()
    control.close()


@pytest.mark.timeout(1800)  # the first test waits for images, too
def test_the_stores_are_prepared_before_the_api_starts(compose: Compose) -> None:
    for service in ("bucket", "migrate"):
        (container,) = compose.containers(service)
        assert (container["State"], container["ExitCode"]) == ("exited", 0)
    assert "The stores are ready." in compose("logs", "migrate")


def test_every_container_is_read_only_limited_and_without_rights(compose: Compose) -> None:
    for name, one in compose.inspect().items():
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["Memory"] > 0 and host["PidsLimit"] > 0, name
        assert host["CapDrop"] == ["ALL"] and not host["Privileged"], name
        assert host["LogConfig"]["Config"]["max-size"], name


def test_only_three_ports_are_published_and_all_on_loopback(compose: Compose) -> None:
    for one in compose.inspect().values():
        service = one["Config"]["Labels"]["com.docker.compose.service"]
        bindings = one["HostConfig"]["PortBindings"] or {}
        assert bool(bindings) == (service in PUBLISHED), service
        addresses = {binding["HostIp"] for ports in bindings.values() for binding in ports}
        assert addresses <= {"127.0.0.1"}
        if service in ("postgres", "redis", "aws"):
            assert list(one["NetworkSettings"]["Networks"]) == ["bootcamp_stores"]
    assert compose.engine.docker(
        "network", "inspect", "--format", "{{.Internal}}", "bootcamp_stores"
    ).split() == ["true"]


def test_a_stranger_gets_nothing(compose: Compose) -> None:
    for port, path in (("API_PORT", "/jobs"), ("FLOWER_PORT", "/metrics")):
        assert httpx.get(f"{compose.url(port)}{path}", trust_env=False).status_code == 401


def test_the_api_serves_the_dashboard(compose: Compose, key: str) -> None:
    with client_of(compose, key) as api:
        page = api.get("/")
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")


def test_an_uploaded_document_is_processed_and_found(api: httpx.Client) -> None:
    job_id = upload(api, "The lighthouse keeper counts quokkas at dawn.")
    (done,) = finished(api, [job_id])
    assert done["status"] == "completed", done
    assert "quokkas" in texts_found(api, "Who counts quokkas?")[0]


def test_the_targets_that_look_at_the_stack(compose: Compose) -> None:
    assert "worker-webhooks" in compose.make("status")
    assert "healthy" in compose.make("health")
    assert "MEM USAGE" in compose.make("stats")
    assert "ready." in compose.make("logs-worker", "FOLLOW=")
    assert "api-1" in compose.make("logs", "FOLLOW=")


def test_the_runbooks_first_look(compose: Compose) -> None:
    text = (paths.ROOT / "deploy" / "runbook.md").read_text()
    section = text.split("## Look first\n")[1].split("\n## ")[0]
    look, make_key = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    key = compose.shell(make_key.strip()).strip()
    for line in look.splitlines():
        assert compose.shell(line, ADMIN_KEY=key).strip(), line


def test_the_load_test_is_a_profile(compose: Compose) -> None:
    assert not compose.containers("locust")
    compose.make("up", "COMPOSE=1", "PROFILES=load-test")
    page = httpx.get(compose.url("LOCUST_PORT"), trust_env=False)
    assert page.status_code == 200 and "Locust" in page.text
    compose("--profile", "load-test", "rm", "--stop", "--force", "locust")


def test_https_is_a_profile(compose: Compose, key: str) -> None:
    compose.make("up", "COMPOSE=1", "PROFILES=tls")
    headers = {"Authorization": f"Bearer {key}"}
    # Caddy has made the certificate itself, so no client knows who signed it.
    with httpx.Client(headers=headers, verify=False, trust_env=False) as client:  # noqa: S501
        url = compose.url("TLS_PORT").replace("http://127.0.0.1", "https://localhost")
        answer = client.get(f"{url}/jobs")
    assert answer.status_code == 200, answer.text
    assert answer.headers["strict-transport-security"]
    compose("--profile", "tls", "rm", "--stop", "--force", "tls")


def test_documents_survive_a_worker_that_is_killed(
    compose: Compose, api: httpx.Client, openai: OpenAIControl
) -> None:
    compose.make("scale-workers", f"N={WORKERS}", "COMPOSE=1")
    compose.wait_until_healthy("worker", WORKERS)
    openai.script(Fault.slow(SLOW_SECONDS, times=SLOTS, on="embeddings"))
    jobs = [
        upload(api, f"Document {number}: {secrets.token_hex(8)}") for number in range(DOCUMENTS)
    ]
    wait_for(lambda: waiting(openai) == SLOTS, JOB_SECONDS, "every worker waits for the model")
    compose.engine.docker("kill", compose.containers("worker")[0]["Name"])
    done = finished(api, jobs)
    assert [one["status"] for one in done] == ["completed"] * DOCUMENTS
    # A second worker began with one of them.
    assert max(one["deliveries"] for one in done) > 1, done
    running = [one for one in compose.containers("worker") if one["State"] == "running"]
    assert len(running) == WORKERS - 1


@pytest.mark.timeout(1800)
def test_a_rolling_restart_under_load_loses_no_accepted_job(
    compose: Compose, api: httpx.Client, key: str
) -> None:
    compose.make("scale-workers", f"N={WORKERS}", "COMPOSE=1")  # the killed one, too
    compose.wait_until_healthy("worker", WORKERS)
    before = set(compose.inspect())
    ids = {one["Id"] for one in compose.inspect().values()}
    clients = Clients(compose, key)
    began = time.monotonic()
    with clients.at_work():
        compose.make("restart")
    seconds = time.monotonic() - began
    done = finished(api, clients.accepted)
    print(
        f"{len(done)} jobs were accepted during a restart of {seconds:.0f} s, "
        f"{len(clients.refused)} requests were repeated"
    )
    assert len(done) > seconds / 5
    assert {one["status"] for one in done} == {"completed"}
    after = compose.inspect()
    assert len(after) == len(before)
    kept = {
        one["Config"]["Labels"]["com.docker.compose.service"]
        for one in after.values()
        if one["Id"] in ids
    }
    assert kept == {"redis", "postgres", "aws", "openai", "bucket", "migrate"}


@pytest.mark.timeout(1800)
def test_a_backup_brings_everything_back(
    compose: Compose, api: httpx.Client, key: str, openai: OpenAIControl, tmp_path: Path
) -> None:
    done = upload(api, "The harbour master keeps seven axolotls.")
    finished(api, [done])
    openai.script(Fault.slow(UNDER_WAY_SECONDS, times=1, on="embeddings"))
    under_way = upload(api, "The cook of the harbour feeds a pangolin.")
    wait_for(lambda: waiting(openai) == 1, JOB_SECONDS, "the model works on it")
    folder = tmp_path / "backup"
    compose.make("backup", "COMPOSE=1", f"FOLDER={folder}")
    old = job(api, done)

    compose.make("clean", "COMPOSE=1")
    assert compose.engine.docker("volume", "ls", "--quiet") == ""
    openai.close()
    compose.make("up", "COMPOSE=1")
    assert api.get("/jobs").status_code == 401  # the new stack does not know the key

    compose.make("restore", "COMPOSE=1", f"FOLDER={folder}")
    assert job(api, done) == old
    assert "axolotls" in texts_found(api, "Who keeps axolotls?")[0]
    (second,) = finished(api, [under_way])
    assert second["status"] == "completed", second
    assert "pangolin" in texts_found(api, "Who feeds a pangolin?")[0]


def waiting(openai: OpenAIControl) -> int:
    """How many requests the model is working on."""
    return sum(entry.ended is None for entry in openai.journal("embeddings"))


def test_down_keeps_the_data_and_clean_removes_everything(compose: Compose) -> None:
    compose.make("down", "COMPOSE=1")
    docker = compose.engine.docker
    assert docker("ps", "--all", "--quiet") == ""
    assert docker("volume", "ls", "--quiet") != ""
    compose.make("clean", "COMPOSE=1")
    assert docker("volume", "ls", "--quiet") == ""
    assert docker("network", "ls", "--filter", "type=custom", "--quiet") == ""
