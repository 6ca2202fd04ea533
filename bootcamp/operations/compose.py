"""Operates the containers of docker-compose.yml: `python -m bootcamp.operations.compose COMMAND`.

`make health`, `make restart`, `make backup COMPOSE=1` and `make restore COMPOSE=1` call it. It needs Python
and Docker alone. `COMPOSE_FILE` may name other compose files, as Docker's documentation says.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from bootcamp.operations.backup import BackupError, backup, restore

WRITERS = ("api", "worker", "worker-webhooks", "beat", "flower", "locust")
"""Services that write to the stores, or hold connections to them."""
ENDING = ("backup", "bucket", "migrate")
"""Services that do their work and end."""
STORES = ("redis", "postgres", "aws")
WORKERS = ("worker", "worker-webhooks")
"""Services of which a second container may run beside the first."""
SINGLE = ("beat", "api", "flower")
"""Services with one container. Between the old one and the new one there are some seconds."""
HEALTH_SECONDS = 180.0
POLL_SECONDS = 1.0
BACKUPS = Path("backups")


class ComposeError(Exception):
    """A command of Docker failed, or a service did not become healthy."""


class Compose:
    """The project that docker-compose.yml describes.

    Args:
        env_file: the file with the secrets.
    """

    database = owner = "pipeline"

    def __init__(self, env_file: str) -> None:
        self._words = ["docker", "compose", "--env-file", env_file]
        self._stopped: list[str] = []

    def run(self, *words: str, source: BinaryIO | None = None, out: BinaryIO | None = None) -> None:
        """Run a command of Compose. Its output is shown, unless `out` gets it.

        Raises:
            ComposeError: it ended with another code than 0.
        """
        done = subprocess.run(
            [*self._words, *words], stdin=source or subprocess.DEVNULL, stdout=out, check=False
        )
        if done.returncode:
            raise ComposeError(f"docker compose {' '.join(words)} ended with {done.returncode}")

    def containers(self, *services: str) -> list[dict[str, Any]]:
        """Return what Compose knows about the containers, those that have ended too.

        Raises:
            ComposeError: Docker cannot be asked.
        """
        words = [*self._words, "ps", "--all", "--format", "json", *services]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ComposeError(done.stderr.strip())
        # Newer versions print an object in each line, older ones a list.
        found = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        return found[0] if found and isinstance(found[0], list) else found

    def running(self, service: str) -> list[dict[str, Any]]:
        """Return the containers of a service that run."""
        return [one for one in self.containers(service) if one["State"] == "running"]

    def wait_until_healthy(self, *services: str) -> None:
        """Wait until every container of these services is healthy; without a name, of all services.

        Raises:
            ComposeError: one of them is not, after `HEALTH_SECONDS`, or has ended with an error.
        """
        deadline = time.monotonic() + HEALTH_SECONDS
        while bad := unhealthy(self.containers(*services)):
            if time.monotonic() > deadline:
                raise ComposeError("Not healthy:\n" + "\n".join(bad))
            time.sleep(POLL_SECONDS)

    def postgres(
        self, *words: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a program of PostgreSQL in its container, where the superuser needs no password."""
        program, *rest = words
        user = "--username=postgres"
        self.run("exec", "-T", "postgres", program, user, *rest, source=source, out=out)

    def stores(
        self, command: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a command of `ops/stores.py` in a container of its own."""
        self.run("run", "--rm", "-T", "--no-deps", "backup", command, source=source, out=out)

    def stop(self) -> None:
        """Stop everything but the stores, and wait until these are healthy."""
        # Those that are stopped already, too: a restore that failed half way is run again.
        self._stopped = [name for name in WRITERS if self.containers(name)]
        if self._stopped:
            self.run("stop", *self._stopped)
        self.run("up", "--detach", "--no-recreate", *STORES)
        self.wait_until_healthy(*STORES)

    def empty_redis(self) -> None:
        """Delete all messages. The container knows the password."""
        self.run("exec", "-T", "redis", "redis-cli", "FLUSHALL")

    def migrate(self) -> None:
        """Prepare the stores, as `up` does."""
        self.run("run", "--rm", "-T", "migrate")

    def start(self) -> None:
        """Start what `stop` has stopped, with as many workers."""
        if self._stopped:
            self.run("start", *self._stopped)
            self.wait_until_healthy(*self._stopped)


def unhealthy(containers: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each container that is not well.

    A container that runs is well if it is healthy. One that has ended is well if its service ends by
    itself, and its code is 0.
    """
    bad = []
    for one in containers:
        ended_well = one["State"] == "exited" and one["ExitCode"] == 0 and one["Service"] in ENDING
        healthy = one["State"] == "running" and one["Health"] in ("healthy", "")
        if not ended_well and not healthy:
            state = one["Health"] or f"{one['State']}, code {one['ExitCode']}"
            bad.append(f"{one['Name']}: {state}")
    return bad or ([] if containers else ["There are no containers. Start them: make up COMPOSE=1"])


def rolling_restart(compose: Compose) -> None:
    """Replace each container by a new one of the newest image, one after another.

    Of a worker, the new container is healthy before the old one is told to stop. The old one finishes
    its tasks or gives them back. The stores go on.

    Raises:
        ComposeError: a new container is not healthy. The old ones that are left go on.
    """
    compose.run("run", "--rm", "-T", "--no-deps", "migrate")
    for service in WORKERS:
        compose.run("rm", "--force", service)  # containers that were killed
        old = compose.running(service)
        for one in old:
            scale = f"{service}={len(compose.running(service)) + 1}"
            options = ["--detach", "--no-deps", "--no-recreate", "--scale", scale]
            compose.run("up", *options, service)
            compose.wait_until_healthy(service)
            _docker("stop", one["Name"])
            _docker("rm", one["Name"])
    for service in SINGLE:
        compose.run("up", "--detach", "--no-deps", "--force-recreate", service)
        compose.wait_until_healthy(service)


def _docker(*words: str) -> None:
    done = subprocess.run(["docker", *words], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ComposeError(f"docker {' '.join(words)} ended with {done.returncode}")


def new_folder() -> Path:
    """Return the folder of a backup that is made now: its name is the time in UTC."""
    return BACKUPS / datetime.now(timezone.utc).strftime("%Y-%m-%dT%H%M%SZ")  # noqa: UP017


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-file", default=".env")
    parser.add_argument("command", choices=("health", "restart", "backup", "restore"))
    parser.add_argument("folder", nargs="?", type=Path, help="for backup and restore")
    asked = parser.parse_args()
    compose = Compose(asked.env_file)
    try:
        _run(compose, asked.command, asked.folder)
    except (ComposeError, BackupError) as error:
        sys.exit(str(error))


def _run(compose: Compose, command: str, folder: Path | None) -> None:
    if command == "health":
        compose.wait_until_healthy()
        print("All containers are healthy.")
    elif command == "restart":
        rolling_restart(compose)
        print("API, workers, Beat and Flower are new. The stores and stand-ins were not replaced.")
    elif command == "backup":
        target = folder or new_folder()
        backup(compose, target)
        print(f"The backup is in {target}. It has secrets: keep it as safe as the database.")
    elif folder is None:
        raise BackupError("Name the backup: make restore COMPOSE=1 FOLDER=backups/…")
    else:
        restore(compose, folder)
        print(f"The stores are those of {folder}.")


if __name__ == "__main__":
    main()
