"""A queue outside the process: a Redis list. If a process dies, the list stays."""

import multiprocessing
import os
import time
from multiprocessing.connection import Connection

from local import local_services
from redis import Redis

ARTICLES = ["Ants", "Bees", "Cats", "Dogs", "Eels"]


def connect() -> Redis:
    return Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def produce() -> None:
    """Push all articles, and wait for none."""
    connect().lpush("articles", *ARTICLES)


def work(report: Connection) -> None:
    """Pop one article after another from the other end; `brpop` waits while there is none."""
    redis = connect()
    while True:
        _key, article = redis.brpop(["articles"])
        report.send(f"took {article}")
        time.sleep(0.2)
        report.send(f"finished {article}")


def run_worker(until: str) -> None:
    """Run a worker process, tell what it reports, and kill it after the report `until`."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.Process(target=work, args=(theirs,))
    worker.start()
    told = ""
    while told != until:
        told = ours.recv()
        print("  ", told)
    worker.kill()
    worker.join()


def main() -> None:
    with local_services():
        produce()
        print("in the queue:", ", ".join(reversed(connect().lrange("articles", 0, -1))))
        print("first worker, killed half way:")
        run_worker(until="took Cats")
        print("in the queue:", ", ".join(reversed(connect().lrange("articles", 0, -1))))
        print("second worker:")
        run_worker(until="finished Eels")


if __name__ == "__main__":
    main()
