"""Each stand-in as its own process, once for all tests; each test has an account of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from openai import OpenAI

from bootcamp.providers import OpenAIControl, WebhookSink

TOKEN = "token-of-these-tests"
START_SECONDS = 30


@contextmanager
def running(module: str, **settings: str) -> Iterator[str]:
    """Start `python -m MODULE` and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", module, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "CONTROL_TOKEN": TOKEN} | settings)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                assert httpx.get(f"{url}/health", trust_env=False).json() == {"status": "ok"}
                break
            except httpx.TransportError:
                assert process.poll() is None, f"{module} ended with {process.returncode}"
                assert time.monotonic() < deadline, f"{module} did not start"
                time.sleep(0.01)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def openai_url() -> Iterator[str]:
    with running("bootcamp.providers.openai_standin") as url:
        yield url


@pytest.fixture(scope="session")
def sink_url() -> Iterator[str]:
    with running("bootcamp.providers.webhook_sink") as url:
        yield url


@pytest.fixture
def control(openai_url: str) -> Iterator[OpenAIControl]:
    control = OpenAIControl(openai_url, TOKEN, f"sk-{secrets.token_hex(8)}")
    yield control
    control.close()


@pytest.fixture
def client_for(openai_url: str) -> Iterator[Callable[..., OpenAI]]:
    """Make an `openai` client for the account of a control; it does not retry by itself."""
    made: list[OpenAI] = []

    def make(control: OpenAIControl, **options) -> OpenAI:
        values = {"max_retries": 0, "timeout": 20, **options}
        made.append(OpenAI(base_url=f"{openai_url}/v1", api_key=control.key, **values))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(client_for, control) -> OpenAI:
    return client_for(control)


@pytest.fixture
def sink(sink_url: str) -> Iterator[WebhookSink]:
    sink = WebhookSink(sink_url, TOKEN, f"run-{secrets.token_hex(8)}")
    yield sink
    sink.close()
