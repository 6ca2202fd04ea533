"""The settings of webhooks: the schedule, limits and allowed targets. Given to students complete.

Every value comes from the environment. The defaults are for production, and tests set fractions of a
second. Lists are separated by commas: `WEBHOOK_SCHEDULE=0,5,300`.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

from pipeline.models.settings import DAY, HOUR

MINUTE = 60
DNS_SECONDS = 5.0
"""How long it may take to resolve a name, IPv4 and IPv6 together."""


def _commas(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Seconds = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=1, le=65535)]
Commas = BeforeValidator(_commas)


class WebhookSettings(BaseSettings):
    """Each field is read from the variable of the same name in upper case."""

    app_env: Literal["development", "production"] = "production"
    webhook_schedule: Annotated[tuple[Seconds, ...], NoDecode, Commas] = (
        0,
        5,
        5 * MINUTE,
        30 * MINUTE,
        2 * HOUR,
        5 * HOUR,
        10 * HOUR,
        14 * HOUR,
        20 * HOUR,
        24 * HOUR,
    )
    """The minimum wait before each attempt: the first after the event, the others after a failed attempt.
    There are as many attempts as entries."""
    webhook_timeout_seconds: float = Field(15.0, gt=0)
    """The limit for one whole attempt, from the connection to the status of the response."""
    webhook_lease_seconds: float = Field(60.0, gt=0)
    """How long a worker has a delivery. If there is no result after this time, the worker has died."""
    webhook_publish_seconds: float = Field(10.0, gt=0)
    """After this time, the outbox handles a finished job without deliveries, and a delivery whose message
    no worker has taken."""
    webhook_rotation_seconds: float = Field(DAY, gt=0)
    """How long the old secret signs too after a rotation."""
    webhook_keep_seconds: float = Field(30 * DAY, gt=0)
    """How long a finished delivery is listed and can be resent."""
    webhook_endpoints: int = Field(20, gt=0, le=100)
    """The maximum number of webhooks of one owner."""
    webhook_allow_http: bool = False
    """Also send over `http`. Everybody between us and the receiver can then read and change webhooks."""
    webhook_ports: Annotated[frozenset[Port], NoDecode, Commas] = frozenset({80, 443, 8080, 8443})
    """The allowed ports. Others belong to other protocols, whose servers may accept every connection."""
    webhook_allowed_targets: Annotated[frozenset[str], NoDecode, Commas] = frozenset()
    """Development only: webhooks to these `host:port` are sent without a check, also over `http`."""
    webhook_dns_server: str | None = None
    """Development only: `address:port` of the name server that replaces those of the system."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.webhook_schedule:
            raise ValueError("WEBHOOK_SCHEDULE needs at least one entry")
        if self.webhook_lease_seconds <= self.webhook_timeout_seconds:
            raise ValueError("WEBHOOK_LEASE_SECONDS must be more than WEBHOOK_TIMEOUT_SECONDS")
        if self.app_env == "production" and (
            self.webhook_allowed_targets or self.webhook_dns_server
        ):
            raise ValueError(
                "WEBHOOK_ALLOWED_TARGETS and WEBHOOK_DNS_SERVER allow requests into this network: "
                "set them only with APP_ENV=development"
            )
        return self


@cache
def webhook_settings() -> WebhookSettings:
    """Return the settings of this process, which are read once. Raises pydantic's ValidationError."""
    return WebhookSettings()
