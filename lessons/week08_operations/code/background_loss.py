"""A process accepts twenty documents, works on them in threads, and is killed. What is left?"""

import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DOCUMENTS = 20


def serve(folder: Path) -> None:
    """Accept all documents at once, and process them in the background, two at a time."""

    def process(number: int) -> None:
        time.sleep(0.05)
        (folder / f"done-{number}").touch()

    pool = ThreadPoolExecutor(2)
    for number in range(DOCUMENTS):
        pool.submit(process, number)
        (folder / f"accepted-{number}").touch()  # the client has its 202


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = subprocess.Popen([sys.executable, __file__, name])
        while len(list(folder.glob("done-*"))) < 6:
            time.sleep(0.005)
        server.send_signal(signal.SIGKILL)
        server.wait()
        accepted, done = (len(list(folder.glob(f"{one}-*"))) for one in ("accepted", "done"))
        print(f"accepted: {accepted}, done: ~{done}, lost without a trace: ~{accepted - done}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]))
    else:
        main()
