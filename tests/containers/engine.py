"""A Docker daemon for the tests of the containers, separate from any other on this machine.

Images stay in a cache folder, so a second run is fast. Sockets and state are in a temporary folder.
The daemon changes no firewall rule and no kernel setting: a published port is forwarded by Docker's
own proxy process. Images are built with the host's network, because there is no default bridge.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bootcamp import paths

CACHE = paths.ROOT / ".bootcamp" / "containers"
"""Images and plugins. Git ignores it, and `make clean` removes it."""
PROGRAMS = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "containerd": "containerd",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
}
"""Each program that must be on PATH, and the Debian package that has it."""
START_SECONDS = 60.0
STOP_SECONDS = 60.0
COMMAND_SECONDS = 900.0
LOG_CHARACTERS = 3_000
DAEMON_OPTIONS = (
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--userland-proxy=true",
)


class EngineError(Exception):
    """The daemon or a command of Docker failed."""


def missing() -> str:
    """What this machine lacks to run the containers, as a sentence. Empty if nothing is missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "The containers' tests start a Docker daemon, so they need Linux and root."
    absent = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if absent:
        return f"Programs are missing. On Debian: apt install {' '.join(sorted(absent))}"
    return ""


class Engine:
    """A running Docker daemon. Use it in a `with` block, which stops it and removes containers,
    networks and volumes. Images remain in `cache`.

    Raises (on entering and on leaving):
        EngineError: the daemon did not start, or left mounts or network interfaces behind.
    """

    def __init__(self, cache: Path = CACHE) -> None:
        self.cache = cache
        self.plugins = cache / "docker" / "cli-plugins"
        self._interfaces = _interfaces()
        self._cgroups = _cgroups()

    def __enter__(self) -> Self:
        self._data = self.cache / "images"
        self._data.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="bootcamp-docker-"))
        self._socket = f"unix://{self._folder}/docker.sock"
        self._log = self._folder / "dockerd.log"
        words = ["dockerd", *DAEMON_OPTIONS, f"--host={self._socket}", f"--data-root={self._data}"]
        words += [f"--exec-root={self._folder}/exec", f"--pidfile={self._folder}/docker.pid"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._await_ready()
            self._remove_containers()  # those of a run that was killed
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._remove_containers()
        finally:
            self._stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make the command `docker` talk to this daemon."""
        return {
            **os.environ,
            "DOCKER_HOST": self._socket,
            "DOCKER_CONFIG": str(self.plugins.parent),
            "DOCKER_BUILDKIT": "1",
        }

    def docker(self, *words: str, **more: str) -> str:
        """Run a `docker` command and return what it printed.

        Args:
            more: further variables of its environment.

        Raises:
            EngineError: it failed, or took longer than `COMMAND_SECONDS`.
        """
        try:
            done = subprocess.run(
                ["docker", *words],
                cwd=paths.ROOT,
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"docker {' '.join(words)}: no end in {error.timeout:g} s") from error
        if done.returncode:
            said = (done.stdout + done.stderr)[-LOG_CHARACTERS:]
            raise EngineError(f"docker {' '.join(words)}: code {done.returncode}\n{said}")
        return done.stdout

    def has_image(self, name: str) -> bool:
        """Whether there is an image of this name."""
        return bool(self.docker("images", "--quiet", name).strip())

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.docker("ps", "--quiet")
                return
            except EngineError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace")[-LOG_CHARACTERS:]
                    raise EngineError(f"The Docker daemon did not start:\n{said}") from error
            time.sleep(0.2)

    def _remove_containers(self) -> None:
        if containers := self.docker("ps", "--all", "--quiet").split():
            self.docker("rm", "--force", "--volumes", *containers)
        self.docker("network", "prune", "--force")
        if volumes := self.docker("volume", "ls", "--quiet").split():
            self.docker("volume", "rm", "--force", *volumes)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        left = [
            place for place in _mounts() if place.startswith((str(self._folder), str(self._data)))
        ]
        for place in reversed(left):
            subprocess.run(["umount", "--lazy", place], check=False)
        for group in _cgroups() - self._cgroups:
            for parent, _, _ in os.walk(group, topdown=False):
                Path(parent).rmdir()
        shutil.rmtree(self._folder, ignore_errors=True)
        new = _interfaces() - self._interfaces
        if left or new:
            raise EngineError(f"The Docker daemon left mounts {left}, interfaces {sorted(new)}.")


def _mounts() -> list[str]:
    return [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]


def _cgroups() -> set[Path]:
    """Docker's control groups: one with cgroups of version 2, one per controller with version 1."""
    root = Path("/sys/fs/cgroup")
    return {*root.glob("docker"), *root.glob("*/docker")}


def _interfaces() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


if __name__ == "__main__":
    sys.exit(missing() or 0)  # a sentence and 1, or nothing and 0
