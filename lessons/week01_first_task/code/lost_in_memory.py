"""A queue inside the process: when the process goes, the queue goes with it."""

import multiprocessing
import queue
import threading
import time
from multiprocessing.connection import Connection

ARTICLES = ["Ants", "Bees", "Cats", "Dogs", "Eels"]


def serve(report: Connection) -> None:
    """Play a web server with a background thread. It accepts five articles."""
    waiting: queue.Queue[str] = queue.Queue()
    for article in ARTICLES:
        waiting.put(article)
    report.send(ARTICLES)

    def work() -> None:
        while True:
            article = waiting.get()
            time.sleep(0.2)
            report.send(article)

    threading.Thread(target=work).start()


def main() -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(theirs,))
    server.start()
    theirs.close()
    print("accepted:", ", ".join(ours.recv()))
    done = [ours.recv(), ours.recv()]
    server.kill()  # a deployment, a crash, the kernel short of memory
    server.join()
    print("summarised:", ", ".join(done))
    print("lost:", ", ".join(article for article in ARTICLES if article not in done))


if __name__ == "__main__":
    main()
