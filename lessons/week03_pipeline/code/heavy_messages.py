"""Two hundred chunks with their vectors through the queue: by value, and by reference."""

import os

import numpy as np
from celery import Celery
from local import local_services
from redis import Redis

CHUNKS = 200
DIMENSIONS = 1_536


def main() -> None:
    with local_services():
        app = Celery("heavy", broker=f"{os.environ['REDIS_URL']}/0")
        broker = Redis.from_url(os.environ["REDIS_URL"], db=0)
        random = np.random.default_rng(3)
        vectors = random.normal(size=(CHUNKS, DIMENSIONS)).astype(np.float32)
        contents = {
            "by value": {"chunks": ["x" * 1_000] * CHUNKS, "vectors": vectors.tolist()},
            "by reference": {"document_id": "42", "embeddings_key": "artifacts/42/embed-9f86d081"},
        }
        for name, content in contents.items():
            broker.flushdb()
            app.send_task("index", [content])
            print(f"{name}: ~{len(broker.lindex('celery', 0))} bytes in the queue")


if __name__ == "__main__":
    main()
