"""Flower: every page asks for the password, also those that Flower itself leaves open."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Stack
from bootcamp.stack.apps import layer_environment
from bootcamp.stack.flower import MODULE, Flower, flower

PAGES = ["/", "/workers", "/tasks", "/broker", "/api/workers", "/metrics", "/healthcheck"]
LAYERS = reference_layers(find_week("1"))


@pytest.fixture(scope="module")
def shown(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    folder = tmp_path_factory.mktemp("flower")
    with (
        stack.isolated() as run,
        flower(layer_environment(run.environment(), LAYERS), folder) as one,
    ):
        yield one


@pytest.mark.parametrize("path", PAGES)
def test_every_page_needs_the_password(shown: Flower, path: str) -> None:
    with httpx.Client(base_url=shown.url, trust_env=False, timeout=20) as http:
        assert http.get(path).status_code == 401
        assert http.get(path, auth=(shown.user, "guessed")).status_code == 401
        assert http.get(path, auth=(shown.user, shown.password)).status_code == 200


def test_it_listens_on_loopback_alone(shown: Flower) -> None:
    port = httpx.URL(shown.url).port
    others = {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), port)}
    for address in others - {"127.0.0.1", "::1"}:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
            assert one.connect_ex((address, port or 0)) != 0


@pytest.mark.parametrize("password", [None, "", "user:short"])
def test_without_a_password_it_does_not_start(tmp_path: Path, password: str | None) -> None:
    env = {"FLOWER_BASIC_AUTH": password} if password is not None else {}
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "FLOWER_BASIC_AUTH" in done.stderr
