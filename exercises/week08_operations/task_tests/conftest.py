"""pytest-celery's fixtures for the task tests. Given to students complete.

Without Docker, `celery_broker`, `celery_backend` and `celery_worker` are nodes on this machine. With
`TASK_TESTS_NODES=docker` they are pytest-celery's own containers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import Celery
from pytest_celery import (
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    RedisTestBackend,
    RedisTestBroker,
)

from task_tests import local_nodes

DOCKER = os.environ.get("TASK_TESTS_NODES") == "docker"
DATABASE = os.environ.get("TASK_TESTS_DATABASE", "8")
"""A database of Redis that nothing else uses. Each test empties it."""
TASK = Path(__file__).with_name("invoices.py")
"""It is not imported here: the process that forks the workers is the only one that knows the task."""
HIDDEN: list[local_nodes.NodeParent] = []
"""The node parent of the grader, which gets the task from elsewhere."""


class Setup(CeleryTestSetup):  # type: ignore[misc]  # it has no types
    """A setup in which the message of a killed worker is delivered again within a second."""

    @classmethod
    def update_app_config(cls, app: Celery) -> None:
        app.conf.broker_transport_options = {"visibility_timeout": 0.3}


@pytest.fixture
def celery_setup_cls() -> type[CeleryTestSetup]:
    return Setup


if DOCKER:
    from task_tests import invoices

    @pytest.fixture
    def default_worker_tasks(default_worker_tasks: set[object]) -> set[object]:
        """Bring the task into the container of the worker."""
        return {*default_worker_tasks, invoices}

    @pytest.fixture(params=["celery_redis_broker"])
    def celery_broker(request: pytest.FixtureRequest) -> RedisTestBroker:
        return request.getfixturevalue(request.param)

    @pytest.fixture(params=["celery_redis_backend"])
    def celery_backend(request: pytest.FixtureRequest) -> RedisTestBackend:
        return request.getfixturevalue(request.param)

else:

    @pytest.fixture(scope="session")
    def node_parent() -> local_nodes.NodeParent:
        """The process that all workers of this run are forked from."""
        return HIDDEN[0] if HIDDEN else local_nodes.NodeParent(TASK.read_text)

    @pytest.fixture
    def local_redis() -> Iterator[local_nodes.LocalRedis]:
        """An empty database of the Redis server that `REDIS_URL` names."""
        url = os.environ.get("REDIS_URL")
        if not url:
            pytest.exit(
                "There is no Redis. Run `bootcamp up 8`, and the tests by `bootcamp run 8`."
            )
        store = local_nodes.LocalRedis(urlunsplit(urlsplit(url)._replace(path=f"/{DATABASE}")))
        store.clear()
        yield store
        store.teardown()

    @pytest.fixture
    def celery_broker(local_redis: local_nodes.LocalRedis) -> CeleryTestBroker:
        return CeleryTestBroker(local_redis)

    @pytest.fixture
    def celery_backend(local_redis: local_nodes.LocalRedis) -> CeleryTestBackend:
        return CeleryTestBackend(local_redis)

    @pytest.fixture
    def celery_worker(
        node_parent: local_nodes.NodeParent, celery_setup_app: Celery, tmp_path: Path
    ) -> Iterator[CeleryTestWorker]:
        """A worker that runs the task. It is ready when the test begins."""
        names = ("broker_url", "result_backend", "broker_transport_options")
        config = {name: celery_setup_app.conf[name] for name in names}
        container = local_nodes.LocalWorkerContainer(node_parent, tmp_path / "worker.log", config)
        worker = CeleryTestWorker(container, celery_setup_app)
        try:
            worker.ready()
            yield worker
        finally:
            worker.teardown()
