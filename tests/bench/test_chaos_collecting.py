"""What a run of `make chaos` waits for: messages that a dead worker holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from kombu.connection import Connection

from bootcamp.bench.chaos import collecting
from bootcamp.bench.chaos.collecting import Collector, Unreadable
from bootcamp.bench.chaos.stand import Stand
from bootcamp.stack.redis import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", keep=False).start()
    yield server
    server.close()


def held(url: str) -> int:
    """What a collector says of this Redis. Nothing else of the stand is asked for."""
    collector = Collector.__new__(Collector)
    endpoints = SimpleNamespace(redis_url=url)
    collector._stand = cast(Stand, SimpleNamespace(stack=SimpleNamespace(endpoints=endpoints)))
    return collector.held


def test_a_message_that_a_worker_holds_is_counted_until_it_is_acknowledged(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert held(redis.url) == 0
    with Connection(f"{redis.url}/0") as connection:
        queue = connection.SimpleQueue("celery")
        queue.put("a job")
        message = queue.get(timeout=5)
        assert held(redis.url) == 0  # a living worker may still be at it
        monkeypatch.setattr(collecting, "HELD_SECONDS", 0.0)
        assert held(redis.url) == 1
        message.ack()
        assert held(redis.url) == 0


def test_a_redis_that_does_not_answer_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        held("redis://127.0.0.1:1")
