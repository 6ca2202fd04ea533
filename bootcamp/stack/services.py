"""The servers written in Python: DynamoDB and S3, the OpenAI stand-in, the sinks, the feed server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bootcamp import paths
from bootcamp.ports import LOOPBACK, answers_health, free_port, release_port
from bootcamp.stack.process import GRACE_SECONDS, Process
from bootcamp.stack.state import make_private

SAVE_SECONDS = 20.0
"""How long DynamoDB may take to write its state when it stops."""
SERVER_NEEDS = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT")
"""All that a server needs of our environment; no key or token of the user's."""


class WebService:
    """A Python module that serves HTTP on loopback and answers `GET /health` once it is ready."""

    def __init__(
        self,
        module: str,
        folder: Path,
        *,
        name: str,
        arguments: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        grace: float = GRACE_SECONDS,
        hold: tuple[int, ...] = (),
    ) -> None:
        folder = make_private(folder)
        self.port = free_port()
        words = [word.replace("{port}", str(self.port)) for word in arguments]
        variables = {
            key: value.replace("{port}", str(self.port)) for key, value in (env or {}).items()
        }
        self.process = Process(
            [sys.executable, "-m", module, *words],
            env={name: os.environ[name] for name in SERVER_NEEDS if name in os.environ}
            | {"PYTHONPATH": str(paths.ROOT), "TMPDIR": str(make_private(folder / "tmp"))}
            | variables,
            log=folder / "server.log",
            name=name,
            cwd=folder,
            grace=grace,
            hold=hold,
        )

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises StackError."""
        self.process.start()
        self.process.wait_ready(lambda: answers_health(self.port))

    def stop(self) -> None:
        """Stop it; the port stays reserved."""
        self.process.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        release_port(self.port)


def aws(folder: Path, *, keep: bool, hold: tuple[int, ...] = ()) -> WebService:
    """DynamoDB and S3. With `keep`, tables are written when it stops, objects at once."""
    persist = "1" if keep else "0"
    return WebService(
        "bootcamp.stack.aws_server",
        folder,
        name="DynamoDB and S3 (ministack)",
        env={
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": "{port}",
            "MINISTACK_HOST": LOOPBACK,
            "SERVICES": "dynamodb,s3",
            "PERSIST_STATE": persist,
            "STATE_DIR": str(make_private(folder / "state")),
            "S3_PERSIST": persist,
            "S3_DATA_DIR": str(make_private(folder / "s3")),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",  # it would stop containers with its label
            "LOG_LEVEL": "WARNING",
            "ACCOUNTS": str(folder.parent),
        },
        grace=SAVE_SECONDS,
        hold=hold,
    )


def openai_standin(folder: Path, token: str, *, hold: tuple[int, ...] = ()) -> WebService:
    """The OpenAI API; `token` opens its control plane."""
    return WebService(
        "bootcamp.providers.openai_standin",
        folder,
        name="the OpenAI stand-in",
        arguments=("--port", "{port}"),
        env={"CONTROL_TOKEN": token},
        hold=hold,
    )


def webhook_sink(folder: Path, token: str, *, hold: tuple[int, ...] = ()) -> WebService:
    """The receiver of webhooks; `token` opens its control plane."""
    return WebService(
        "bootcamp.providers.webhook_sink",
        folder,
        name="the webhook sink",
        arguments=("--port", "{port}"),
        env={"CONTROL_TOKEN": token},
        hold=hold,
    )


def feed_server(folder: Path, token: str, *, hold: tuple[int, ...] = ()) -> WebService:
    """The web server of feeds; `token` opens its control plane."""
    return WebService(
        "bootcamp.providers.feed_server",
        folder,
        name="the feed server",
        arguments=("--port", "{port}"),
        env={"CONTROL_TOKEN": token},
        hold=hold,
    )


class MailService(WebService):
    """The mail sink: HTTP for its control plane, and SMTP on a port of its own."""

    def __init__(self, folder: Path, token: str, hold: tuple[int, ...]) -> None:
        self.smtp_port = free_port()
        super().__init__(
            "bootcamp.providers.mail_sink",
            folder,
            name="the mail sink",
            arguments=("--port", "{port}"),
            env={"CONTROL_TOKEN": token, "SMTP_PORT": str(self.smtp_port)},
            hold=hold,
        )

    def close(self) -> None:
        """Stop it for good."""
        super().close()
        release_port(self.smtp_port)


def mail_sink(folder: Path, token: str, *, hold: tuple[int, ...] = ()) -> MailService:
    """The receiver of mail; `token` opens its control plane."""
    return MailService(folder, token, hold)
