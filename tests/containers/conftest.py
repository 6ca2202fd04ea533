"""A Docker daemon with base images, for the tests that `make test-containers` runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.containers.base_images import make_base_images
from tests.containers.engine import Engine, missing


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    if not pytestconfig.getoption("--containers"):
        pytest.skip("The containers' tests take minutes and need root: make test-containers")
    if reason := missing():
        pytest.skip(reason)
    with Engine() as engine:
        print("Making base images: minutes the first time, seconds later.", file=sys.stderr)
        make_base_images(engine)
        yield engine
