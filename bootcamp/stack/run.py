"""A `Run`: services of one's own inside a stack that others use at the same time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from bootcamp.errors import StackError
from bootcamp.providers import FeedServer, MailSink, OpenAIControl, WebhookSink
from bootcamp.stack.addresses import (
    AWS_SECRET,
    HOOK,
    REGION,
    Addresses,
    Endpoints,
    new_account,
    new_key,
)
from bootcamp.stack.postgres import Admin, Database
from bootcamp.stack.redis import Flavor, RedisServer
from bootcamp.stack.state import (
    RUN_FILE,
    RUNS,
    StateFolder,
    is_held,
    read_json,
    remove_tree,
    write_private,
)

if TYPE_CHECKING:
    import botocore.session

FRESH_SECONDS = 60.0
"""A run's folder younger than this is not swept: its lock may be about to be taken."""


class Run:
    """Own Redis server, PostgreSQL role and database, DynamoDB/S3 account, OpenAI key, webhook
    address and blob folder. All of it is gone after the `with` block.

    Attributes:
        redis: the server; `stop()` and `start()` are an outage.
        openai: control of the OpenAI stand-in for this run's key.
        webhooks: what arrived at this run's webhook address.
        mail: what was sent with this run's account of the mail sink.
        feeds: the feeds that this run serves.
    """

    redis: RedisServer
    openai: OpenAIControl
    webhooks: WebhookSink
    mail: MailSink
    feeds: FeedServer

    def __init__(
        self,
        endpoints: Endpoints,
        state: Path,
        hold: tuple[int, ...] = (),
        *,
        guarded: bool = False,
    ) -> None:
        self.id = f"run_{secrets.token_hex(6)}"
        self.aws_account = new_account()
        self.path = state / RUNS / self.id
        self._endpoints = endpoints
        self._hold = hold
        self._guarded = guarded
        self._admin = Admin(endpoints.postgres_port, endpoints.postgres_password)
        self._closing = ExitStack()
        self._addresses: Addresses | None = None

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            folder = StateFolder(self.path)
            undo.callback(folder.close)
            undo.callback(self._remove_run)
            write_private(self.path / RUN_FILE, f'{{"aws_account": "{self.aws_account}"}}')
            flavor: Flavor = "valkey" if self._endpoints.flavor == "valkey" else "redis"
            self.redis = RedisServer(
                folder.folder("redis"),
                keep=False,
                guarded=self._guarded,
                flavor=flavor,
                hold=(folder.lock, *self._hold),
            )
            undo.callback(self.redis.close)
            self.redis.start()
            database = self._create_database()
            key = new_key()
            token = self._endpoints.control_token
            self.openai = OpenAIControl(self._endpoints.openai_url, token, key)
            self.webhooks = WebhookSink(self._endpoints.webhook_url, token, self.id)
            self.mail = MailSink(
                self._endpoints.mail_url, token, self.id, self._endpoints.smtp_port
            )
            self.feeds = FeedServer(self._endpoints.feeds_url, token, self.id)
            self._addresses = Addresses(
                redis_url=self.redis.url,
                database_url=database.url,
                aws_url=self._endpoints.aws_url,
                aws_account=self.aws_account,
                openai_url=self._endpoints.openai_url,
                openai_key=key,
                blob_folder=folder.folder("blobs"),
                webhook_url=self.webhooks.url(HOOK),
                smtp_url=self.mail.smtp_url,
                feeds_url=self.feeds.base,
            )
            self._closing = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the run. Does nothing twice."""
        self._closing.close()

    def _create_database(self) -> Database:
        try:
            return self._admin.create(self.id, secrets.token_hex(16))
        except psycopg.OperationalError as error:
            raise StackError(
                "The stack's PostgreSQL does not answer: the stack was stopped, or it is ending.",
                "Run the command again. It starts a stack of its own if none is up.",
            ) from error

    def _remove_run(self) -> None:
        # A stack that went down under us takes nothing back: its next start sweeps the folder.
        # Neither does what a submission has locked (a table that is protected from deletion).
        with suppress(psycopg.Error, BotoCoreError, ClientError):
            remove_run(self._endpoints, self._admin, self.path, self.aws_account)

    @property
    def addresses(self) -> Addresses:
        if self._addresses is None:
            raise RuntimeError("A Run is a context manager: `with stack.isolated() as run:`")
        return self._addresses

    def environment(self) -> dict[str, str]:
        """The variables for this run's processes. Always the stand-ins, never a real service."""
        return self.addresses.environment()

    @property
    def redis_url(self) -> str:
        """Without a database number."""
        return self.addresses.redis_url

    @property
    def database_url(self) -> str:
        return self.addresses.database_url

    @property
    def blob_folder(self) -> Path:
        return self.addresses.blob_folder

    def database_bytes(self) -> int:
        """What this run's database has on disk; -1 where the server does not say."""
        try:
            return self._admin.size(self.id)
        except psycopg.Error:
            return -1

    def cut_off(self) -> None:
        """End this run's Redis server, and let nobody reach its database any more."""
        self.redis.stop()
        with suppress(psycopg.Error):
            self._admin.set_reachable(self.id, False)

    def postgres_outage(self) -> AbstractContextManager[None]:
        """While this lasts, this run's database accepts no connection, and has thrown all out."""
        return self._admin.outage(self.id)

    @contextmanager
    def redis_outage(self) -> Iterator[None]:
        """While this lasts, this run's Redis is not there. Its data is lost, as it keeps none."""
        self.redis.stop()
        try:
            yield
        finally:
            self.redis.start()


def remove_run(endpoints: Endpoints, admin: Admin, folder: Path, account: str) -> None:
    """Remove what a run left in the shared services, and its folder."""
    with ExitStack() as last:  # what one service does not give up must not keep the other from it
        last.callback(empty_account, endpoints.aws_url, account)
        admin.drop(folder.name)
    remove_tree(folder)  # only now: the sweep knows by it what is left to do


@cache
def _aws_session() -> botocore.session.Session:
    import botocore.session  # here: it takes a tenth of a second, and is needed at the end alone

    return botocore.session.Session()  # it keeps the service models: reading them takes long


def empty_account(url: str, account: str) -> None:
    """Delete the tables and buckets of one account."""

    def client(service: str) -> Any:
        return _aws_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=account,
            aws_secret_access_key=AWS_SECRET,
        )

    dynamodb = client("dynamodb")
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            dynamodb.delete_table(TableName=table)
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=name)


def sweep(endpoints: Endpoints, state: Path) -> None:
    """Remove the runs whose owners were killed."""
    admin = Admin(endpoints.postgres_port, endpoints.postgres_password)
    folders = (state / RUNS).iterdir() if (state / RUNS).exists() else ()
    for folder in folders:
        young = time.time() - folder.stat().st_mtime < FRESH_SECONDS
        if not young and not is_held(folder):
            remove_run(
                endpoints, admin, folder, read_json(folder / RUN_FILE).get("aws_account", "")
            )
