"""Every worker that parses one document is killed. Three ways to count the attempts."""

import subprocess
import sys
import tempfile
from pathlib import Path

import doomed_worker

WORKERS = 6
"""How many workers there are."""


def start_all(way: str, record: Path) -> str:
    """Give the document to one worker after another, until it is given up or none is left."""
    record.write_text("")
    worker = [sys.executable, doomed_worker.__file__, way, str(record)]
    for started in range(WORKERS):
        done = subprocess.run(worker, stderr=subprocess.PIPE, text=True, check=False)
        if "given up" in done.stderr:
            return f"given up after {started} workers died"
    return f"all {WORKERS} workers died, attempts counted: {len(record.read_text())}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for way in doomed_worker.WAYS:
            print(f"{way + ':':<17} {start_all(way, Path(folder) / 'record')}")


if __name__ == "__main__":
    main()
