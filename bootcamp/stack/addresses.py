"""Where a run finds its services: the variables that every process of the pipeline reads."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bootcamp.environment import LOCAL_KEY
from bootcamp.errors import StackError
from bootcamp.stack.state import STACK_FILE, read_json, write_private

REGION = "us-east-1"
AWS_SECRET = "local"  # noqa: S105 - ministack checks no signature; the account number is the key
HOOK = "default"
"""The name below a run's webhook address that `WEBHOOK_SINK_URL` gives."""
ACCOUNT_DIGITS = 12
SECRETS_FILE = "secrets.json"


def new_account() -> str:
    """A random AWS account number; ministack gives each account that it sees data of its own."""
    return "".join(secrets.choice("123456789") for _ in range(ACCOUNT_DIGITS))


def new_key() -> str:
    """A key for the OpenAI stand-in: an account there."""
    return LOCAL_KEY + secrets.token_hex(16)


@dataclass(frozen=True)
class Addresses:
    """Everything one run is given. Holds no secret that opens more than this run."""

    redis_url: str
    database_url: str
    aws_url: str
    aws_account: str
    openai_url: str
    openai_key: str
    blob_folder: Path
    webhook_url: str
    smtp_url: str
    feeds_url: str

    def environment(self) -> dict[str, str]:
        """The variables, as ARCHITECTURE.md lists them."""
        return {
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": self.aws_account,
            "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "OPENAI_BASE_URL": f"{self.openai_url}/v1",
            "OPENAI_API_KEY": self.openai_key,
            "BLOB_STORE_URL": self.blob_folder.as_uri(),
            "WEBHOOK_SINK_URL": self.webhook_url,
            "WEBHOOK_ALLOWED_TARGETS": urlsplit(self.webhook_url).netloc,
            "SMTP_URL": self.smtp_url,
            "NEWS_FEEDS_URL": self.feeds_url,
            "NEWS_ALLOWED_TARGETS": urlsplit(self.feeds_url).netloc,
            "APP_ENV": "development",
        }


@dataclass(frozen=True)
class Secrets:
    """What a state folder keeps between two starts. None of it reaches a run, but its own part."""

    postgres_password: str = field(default_factory=lambda: secrets.token_hex(16))
    default_password: str = field(default_factory=lambda: secrets.token_hex(16))
    default_account: str = field(default_factory=new_account)

    @classmethod
    def of(cls, folder: Path) -> Secrets:
        """The folder's own; made at first."""
        path = folder / SECRETS_FILE
        if known := read_json(path):
            return cls(**known)
        new = cls()
        write_private(path, _json(asdict(new)))
        return new


@dataclass(frozen=True)
class Endpoints:
    """A stack that is up, as `stack.json` tells those who attach. Readable by its owner alone."""

    pid: int
    flavor: str
    redis_url: str
    database_url: str
    postgres_port: int
    postgres_password: str
    aws_url: str
    aws_account: str
    openai_url: str
    openai_key: str
    webhook_url: str
    mail_url: str
    smtp_port: int
    feeds_url: str
    control_token: str
    server_pids: dict[str, int]

    def save(self, folder: Path) -> None:
        write_private(folder / STACK_FILE, _json(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> Endpoints:
        """Raises StackError: there is no such file, or another version wrote it."""
        try:
            return cls(**read_json(folder / STACK_FILE))
        except TypeError:
            raise StackError(
                f"No stack is up in {folder}.", "Start it with `bootcamp up`."
            ) from None


def _json(value: dict[str, Any]) -> str:
    import json

    return json.dumps(value, indent=2)
