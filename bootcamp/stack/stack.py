"""The local stack: real services on loopback, in one `with` block."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bootcamp import paths
from bootcamp.environment import LOCAL_KEY, has_own_key, isolate
from bootcamp.errors import StackError
from bootcamp.providers import FeedServer, MailSink, WebhookSink
from bootcamp.stack import services
from bootcamp.stack.addresses import HOOK, Addresses, Endpoints, Secrets
from bootcamp.stack.postgres import PostgresServer
from bootcamp.stack.process import Process
from bootcamp.stack.redis import Flavor, RedisServer, find_binary
from bootcamp.stack.run import Run, sweep
from bootcamp.stack.state import STACK_FILE, StateFolder, is_held, make_private

DEFAULT = "bootcamp"
"""Name of the shared default run: its database, its role, its webhook address."""
DEFAULT_KEY = f"{LOCAL_KEY}{DEFAULT}"


class Server(Protocol):
    """What the stack starts and stops."""

    process: Process

    def start(self) -> object: ...

    def close(self) -> None: ...


class Stack:
    """Redis, PostgreSQL, DynamoDB and S3, the OpenAI stand-in, the sinks and feeds, for one `with`.

    Args:
        state: where data lives; it survives. None: a temporary folder, gone at the end.
        redis: which server to run; `auto` takes `redis-server` if there is one, else Valkey.

    Entering it removes from this process's environment what would lead clients away from the
    stack (`bootcamp.environment`).

    Raises (on entering):
        StackError: a service did not start, or the folder is in use.
    """

    def __init__(self, state: Path | None = None, *, redis: Flavor = "auto") -> None:
        self._wanted = state
        self._redis = redis
        self._endpoints: Endpoints | None = None
        self._path: Path | None = None
        self._hold: tuple[int, ...] = ()
        self._closing = ExitStack()
        self.attached = False
        self.servers: dict[str, Server] = {}
        """By name. `make chaos` kills them and starts them again. Empty, if this object attached."""

    def __enter__(self) -> Self:
        isolate()
        if self.attached:
            return self
        with ExitStack() as undo:
            folder = StateFolder(self._wanted)
            undo.callback(folder.close)
            self._path = folder.path
            self._hold = (folder.lock,)
            self._endpoints = self._start(folder, undo)
            self._endpoints.save(folder.path)
            undo.callback((folder.path / STACK_FILE).unlink, missing_ok=True)
            sweep(self._endpoints, folder.path)
            self._closing = undo.pop_all()
        return self

    def _start(self, folder: StateFolder, undo: ExitStack) -> Endpoints:
        keep, hold = not folder.temporary, self._hold
        kept = Secrets.of(folder.path)
        token = secrets.token_hex(16)
        binary = find_binary(self._redis)
        redis = RedisServer(folder.folder("redis"), keep=keep, flavor=self._redis, hold=hold)
        postgres = PostgresServer(
            folder.folder("postgres"), kept.postgres_password, keep=keep, hold=hold
        )
        aws = services.aws(folder.folder("aws"), keep=keep, hold=hold)
        openai = services.openai_standin(folder.folder("openai"), token, hold=hold)
        webhooks = services.webhook_sink(folder.folder("webhooks"), token, hold=hold)
        mail = services.mail_sink(folder.folder("mail"), token, hold=hold)
        feeds = services.feed_server(folder.folder("feeds"), token, hold=hold)
        servers = self.servers = {
            "redis": redis,
            "postgres": postgres,
            "aws": aws,
            "openai": openai,
            "webhooks": webhooks,
            "mail": mail,
            "feeds": feeds,
        }
        undo.callback(in_parallel, [server.close for server in servers.values()])
        in_parallel([server.start for server in servers.values()])
        database = postgres.admin.create(DEFAULT, kept.default_password)
        return Endpoints(
            pid=os.getpid(),
            flavor="valkey" if "valkey" in binary.name else "redis",
            redis_url=redis.url,
            database_url=database.url,
            postgres_port=postgres.port,
            postgres_password=kept.postgres_password,
            aws_url=aws.url,
            aws_account=kept.default_account,
            openai_url=openai.url,
            openai_key=DEFAULT_KEY,
            webhook_url=webhooks.url,
            mail_url=mail.url,
            smtp_port=mail.smtp_port,
            feeds_url=feeds.url,
            control_token=token,
            server_pids={name: server.process.pid for name, server in servers.items()},
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what this object started: nothing, if it attached. Does nothing twice."""
        self._closing.close()
        self._endpoints = None

    @classmethod
    def attach(cls, folder: Path | None = None) -> Stack:
        """Join the stack that is up with its state in `folder`.

        Raises:
            StackError: none is up there.
        """
        path = (folder or default_state()).resolve()
        endpoints = Endpoints.load(path)
        if not is_held(path) or not _lives(endpoints.pid):
            raise StackError(f"No stack is up in {path}.", "Start it with `bootcamp up`.")
        stack = cls(path)
        stack.attached = True
        stack._path = path
        stack._endpoints = endpoints
        sweep(endpoints, path)
        return stack

    @property
    def path(self) -> Path:
        """The state folder."""
        if self._path is None:
            raise RuntimeError("A Stack is a context manager: `with Stack() as stack:`")
        return self._path

    @property
    def endpoints(self) -> Endpoints:
        """Addresses and secrets of the whole stack: for trusted code, never for a student's."""
        if self._endpoints is None:
            raise RuntimeError("A Stack is a context manager: `with Stack() as stack:`")
        return self._endpoints

    def environment(self) -> dict[str, str]:
        """The variables of the shared default run.

        A key of the user's own (`OPENAI_API_KEY`) is left alone: then the real service is used.
        """
        up = self.endpoints
        variables = Addresses(
            redis_url=up.redis_url,
            database_url=up.database_url,
            aws_url=up.aws_url,
            aws_account=up.aws_account,
            openai_url=up.openai_url,
            openai_key=up.openai_key,
            blob_folder=make_private(self.path / "blobs"),
            webhook_url=WebhookSink(up.webhook_url, up.control_token, DEFAULT).url(HOOK),
            smtp_url=MailSink(up.mail_url, up.control_token, DEFAULT, up.smtp_port).smtp_url,
            feeds_url=FeedServer(up.feeds_url, up.control_token, DEFAULT).base,
        ).environment()
        if has_own_key():
            variables = {k: v for k, v in variables.items() if not k.startswith("OPENAI_")}
        return variables

    def isolated(self, *, guarded: bool = False) -> Run:
        """A run of one's own, a context manager. `guarded`: its clients may be hostile."""
        return Run(self.endpoints, self.path, self._hold, guarded=guarded)


def default_state() -> Path:
    """Where `bootcamp up` keeps its state."""
    return (paths.state_dir() / "stack").resolve()


@contextmanager
def find_or_start(state: Path | None = None) -> Iterator[Stack]:
    """The stack that is up in `state`, or a temporary one for the time of the `with` block."""
    try:
        stack = Stack.attach(state)
    except StackError:
        stack = Stack()
    with stack:
        yield stack


def in_parallel(calls: Sequence[Callable[[], object]]) -> None:
    """Make all calls at once; wait for all; then raise the first error."""
    with ThreadPoolExecutor(max(len(calls), 1)) as pool:
        try:
            futures = [pool.submit(call) for call in calls]
        except RuntimeError:  # the interpreter is ending and starts no thread: one after another
            futures = []
            for call in calls:
                call()
    for future in futures:
        future.result()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
