"""The settings of the digest. Given to students complete."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

from pipeline.news.digest_model import Desk


class DigestSettings(BaseSettings):
    """Each field is read from the variable of the same name in upper case."""

    app_env: str = "production"
    smtp_url: str = ""
    """`smtp://user:password@host:port`, or `smtps://…` for TLS from the start. Empty: no digest is sent."""
    smtp_timeout_seconds: float = Field(15.0, gt=0)
    """How long the mail server may take for each answer."""
    digest_sender: str = "News desk <news@desk.example>"
    digest_domain: str = "desk.example"
    public_url: str = "http://127.0.0.1:8000"
    """Where subscribers reach this API, for the link to unsubscribe."""
    digest_hour: int = Field(7, ge=0, le=23)
    """The hour in UTC at which a digest is due. A day of the digest lasts until this hour of the next day."""
    digest_stories: int = Field(10, ge=1, le=50)
    digest_trends: int = Field(5, ge=0, le=20)
    digest_batch: int = Field(500, ge=1)
    """How many subscribers one run takes at most."""
    digest_run_seconds: float = Field(300.0, gt=0)
    """After this time a run takes no further subscriber."""
    digest_lease_seconds: int = Field(180, ge=1)
    """How long a claim lasts. It must be more than the mail server may take for one message: it gives about
    ten answers."""
    digest_retry_seconds: int = Field(300, ge=0)
    """How long a deferred message waits."""

    @property
    def desk(self) -> Desk:
        """The sender."""
        return Desk(self.digest_sender, self.digest_domain, self.public_url.rstrip("/"))


@cache
def digest_settings() -> DigestSettings:
    """Return the settings of this process, which are read once."""
    return DigestSettings()
