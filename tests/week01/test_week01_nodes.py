"""The reference of week 1 on worker nodes, by pytest-celery's own interface."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from pytest_celery import CeleryTestWorker, CeleryWorkerCluster
from redis import Redis

from autograder.process import wait
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.providers import Fault
from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment
from tests.local_nodes import local_worker_cluster, local_worker_node

TASK = "pipeline.summarize_article"
DEADLINE = 60
LOCK = "unacked_mutex"
"""Kombu's lock of a search for overdue messages. A node that is killed meanwhile keeps it."""
LOCK_SECONDS = 5
SETTINGS = {
    "WORKER_CONCURRENCY": "1",
    "VISIBILITY_TIMEOUT_SECONDS": "2",
    "LOST_WORKER_RETRY_SECONDS": "0",
}


@pytest.fixture
def environment(run: Run) -> dict[str, str]:
    return {
        **layer_environment(run.environment() | SETTINGS, reference_layers(find_week("1"))),
        "C_FORCE_ROOT": "1",
    }


@pytest.fixture
def producer(run: Run) -> Iterator[Celery]:
    """A client that knows the tasks by name alone, as another program would."""
    app = Celery(broker=f"{run.redis_url}/0", backend=f"{run.redis_url}/1", set_as_current=False)
    with app:
        yield app


@pytest.fixture
def cluster(environment: dict[str, str], tmp_path: Path) -> Iterator[CeleryWorkerCluster]:
    with local_worker_cluster(["first", "second"], environment, tmp_path) as cluster:
        yield cluster


def article() -> str:
    return f"The tide of {uuid.uuid4().hex}"


def test_a_node_runs_a_task_and_logs_its_id(
    producer: Celery, environment: dict[str, str], tmp_path: Path
) -> None:
    node = local_worker_node("alone", environment, tmp_path)
    try:
        assert node.ready()
        result = producer.send_task(TASK, [article()])
        assert set(result.get(timeout=DEADLINE)) == {"title", "summary"}
        node.wait_for_log(f"as task {result.id}", timeout=DEADLINE)
        assert node.worker_name == "alone"
        assert node.hostname() == f"alone@{node.container.id}"
    finally:
        node.teardown()
    assert node.container.status == "exited"


def test_a_killed_node_hands_its_task_to_another(
    run: Run, producer: Celery, cluster: CeleryWorkerCluster
) -> None:
    title = article()
    run.openai.script(Fault.slow(30.0, matching=title, times=1))
    result = producer.send_task(TASK, [title])
    busy = holder(run, cluster, result.id)
    busy.kill()
    assert busy.container.status == "exited"
    assert result.get(timeout=DEADLINE)["title"] == title
    [other] = [node for node in cluster if node is not busy]
    other.assert_log_exists(f"as task {result.id}")


def test_a_killed_node_works_again_after_a_restart(
    run: Run, producer: Celery, environment: dict[str, str], tmp_path: Path
) -> None:
    title = article()
    run.openai.script(Fault.slow(30.0, matching=title, times=1))
    with local_worker_cluster(["only"], environment, tmp_path) as cluster:
        result = producer.send_task(TASK, [title])
        node = holder(run, cluster, result.id)
        node.kill()
        node.restart()
        assert node.container.status == "running"
        assert result.get(timeout=DEADLINE)["title"] == title


def test_the_lock_of_a_search_ends_soon_if_its_node_is_killed(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    with (
        Redis.from_url(f"{run.redis_url}/0") as redis,
        redis.monitor() as commands,
        local_worker_cluster(["searching"], environment, tmp_path),
    ):
        taken = next(one["command"] for one in commands.listen() if LOCK in one["command"])
    assert taken.startswith(f"SET {LOCK} "), taken
    milliseconds = int(re.findall(r" PX (\d+)", taken)[0])
    assert milliseconds <= LOCK_SECONDS * 1000


def holder(run: Run, cluster: CeleryWorkerCluster, task_id: str) -> CeleryTestWorker:
    """The node that is at work on a task, once the model has been asked."""

    def found() -> CeleryTestWorker | None:
        return next((node for node in cluster if f"as task {task_id}" in node.logs()), None)

    node = wait.until(found, DEADLINE)
    assert node is not None, "no node took the task"
    assert wait.until(lambda: run.openai.journal("chat"), DEADLINE), "the model was not asked"
    return node
