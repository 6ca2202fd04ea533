"""The stack of docker-compose.yml for tests: with ports and secrets of its own, through `make`."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from bootcamp import paths
from bootcamp.operations import env_file
from bootcamp.ports import free_port
from tests.containers.engine import Engine

PORTS = ("API_PORT", "OPENAI_PORT", "FLOWER_PORT", "LOCUST_PORT", "TLS_PORT")
START_SECONDS = 180.0
JOB_SECONDS = 480.0
"""A killed worker's job is taken over when its lease of 30 seconds has expired."""
MAKE_SECONDS = 1200.0
UPLOAD_PAUSE_SECONDS = 1.0
BUILD = {"build": {"network": "host", "args": ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]}}
"""What the tests add to each service that is built: the daemon has no other network that leads out."""


class Compose:
    """The project, and what its user types."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._env_file = folder / "env"
        env_file.make(paths.ROOT / ".env.example", self._env_file)
        with self._env_file.open("a") as file:
            file.writelines(f"{name}={free_port()}\n" for name in PORTS)
        lines = self._env_file.read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines if "=" in line[:30])
        builds = folder / "builds.json"
        builds.write_text(json.dumps({"services": dict.fromkeys(built_services(), BUILD)}))
        self._files = f"{paths.ROOT / 'docker-compose.yml'}:{builds}"

    def __call__(self, *words: str) -> str:
        """Run `docker compose` and return what it printed."""
        options = ["--env-file", str(self._env_file)]
        return self.engine.docker("compose", *options, *words, COMPOSE_FILE=self._files)

    def make(self, *words: str) -> str:
        """Run `make` as the user of a server does, and return what it printed."""
        done = subprocess.run(
            ["make", *words, f"ENV_FILE={self._env_file}"],
            cwd=paths.ROOT,
            env={**self.engine.environment, "COMPOSE_FILE": self._files},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MAKE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"make {' '.join(words)}:\n{done.stdout[-3000:]}"
        return done.stdout

    def shell(self, line: str, **more: str) -> str:
        """Run a line of a page, with this project's ports and secrets, and return what it printed."""
        line = line.replace("docker compose ", f"docker compose --env-file {self._env_file} ")
        line = line.replace("http://127.0.0.1:8000", self.url("API_PORT"))
        if line.startswith("make "):
            line = f"{line} ENV_FILE={self._env_file}"
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=paths.ROOT,
            env={**self.engine.environment, "COMPOSE_FILE": self._files, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{line}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What Compose knows about each container of a service, those that have ended too."""
        lines = self("ps", "--all", "--format", "json", service).splitlines()
        return [json.loads(line) for line in lines]

    def inspect(self) -> dict[str, dict[str, Any]]:
        """What Docker knows about each container, by name."""
        ids = self.engine.docker("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *ids)) if ids else []
        return {one["Name"].strip("/"): one for one in found}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.settings[name]}"

    def wait_until_healthy(self, service: str, number: int) -> None:
        def healthy() -> bool:
            states = [one["Health"] for one in self.containers(service)]
            return states.count("healthy") == number

        wait_for(healthy, START_SECONDS, f"{service}: {number} healthy")

    def new_key(self) -> str:
        """Create an API key for the owner `tests`."""
        words = ["exec", "-T", "api", "python", "-m", "pipeline.keys"]
        return self(*words, "create", "--replace", "--owner", "tests").strip()


def built_services() -> list[str]:
    services = yaml.safe_load((paths.ROOT / "docker-compose.yml").read_text())["services"]
    return [name for name, service in services.items() if "build" in service]


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)


def client_of(compose: Compose, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=compose.url("API_PORT"),
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
        trust_env=False,
    )


def upload(api: httpx.Client, text: str, **headers: str) -> str:
    """Upload a text as a document and return the id of its job."""
    file = {"file": ("note.txt", text.encode())}
    answer = api.post("/documents", files=file, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def job(api: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = api.get(f"/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finished(api: httpx.Client, job_ids: list[str]) -> list[dict[str, Any]]:
    """The jobs, when all have finished."""
    done: dict[str, dict[str, Any]] = {}

    def all_done() -> bool:
        for one in job_ids:
            if one not in done and (found := job(api, one))["finished_at"]:
                done[one] = found
        return len(done) == len(set(job_ids))

    wait_for(all_done, JOB_SECONDS, f"{len(job_ids)} jobs have finished")
    return [done[one] for one in job_ids]


def texts_found(api: httpx.Client, question: str) -> list[str]:
    answer = api.get("/search", params={"q": question})
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["results"]]


class Clients:
    """A client that uploads document after document, and repeats what was not answered."""

    def __init__(self, compose: Compose, key: str) -> None:
        self._compose, self._key = compose, key
        self._stop = threading.Event()
        self.accepted: list[str] = []
        self.refused: list[str] = []
        """What a client saw while the API was being replaced."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _work(self) -> None:
        with client_of(self._compose, self._key) as api:
            while not self._stop.is_set():
                self._upload_one(api)
                self._stop.wait(UPLOAD_PAUSE_SECONDS)

    def _upload_one(self, api: httpx.Client) -> None:
        text, key = f"Load: {secrets.token_hex(12)}", secrets.token_hex(8)
        while True:
            try:
                self.accepted.append(upload(api, text, **{"Idempotency-Key": key}))
                return
            except (httpx.TransportError, AssertionError) as error:
                self.refused.append(repr(error)[:200])
                if len(self.refused) > 1000:
                    return
                time.sleep(UPLOAD_PAUSE_SECONDS)
