"""Two processes count documents. Who exports, and what does it see?"""

import os
import subprocess
import sys
import tempfile

COUNT = """
import os
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector

registry = CollectorRegistry()
documents = Counter("documents", "Parsed documents.", registry=registry)
for _ in range(2):  # two slots of a worker
    if os.fork() == 0:
        for _ in range(50):
            documents.inc()
        os._exit(0)
    os.wait()
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
print(int(registry.get_sample_value("documents_total")))
"""
"""What a worker's main process exports after each of its two slots has parsed fifty documents."""


def exported(**more: str) -> str:
    """Run it in a process of its own, because the library reads its variable when it is imported."""
    env = {**os.environ, **more}
    return subprocess.run(
        [sys.executable, "-c", COUNT], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def main() -> None:
    print(f"each process for itself: {exported()} of 100 documents")
    with tempfile.TemporaryDirectory() as folder:
        shared = exported(PROMETHEUS_MULTIPROC_DIR=folder)
    print(f"with a shared folder:    {shared} of 100 documents")


if __name__ == "__main__":
    main()
