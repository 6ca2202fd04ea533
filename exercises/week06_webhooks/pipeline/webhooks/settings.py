"""How webhooks are sent, to whom, and for how long. Given.

Every value comes from the environment. The defaults are for production; tests set fractions of a
second. A list is written with commas: `WEBHOOK_SCHEDULE=0,5,300`.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

from pipeline.models.settings import DAY, HOUR

MINUTE = 60
DNS_SECONDS = 5.0
"""How long a name may take to resolve, both kinds of address together."""


def _commas(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Seconds = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=1, le=65535)]
Commas = BeforeValidator(_commas)


class WebhookSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

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
    """How long after a failure (the first: after the event) the next attempt comes, at least. There
    are as many attempts as entries."""
    webhook_timeout_seconds: float = Field(15.0, gt=0)
    """One attempt, from connecting to the receiver's status, in all."""
    webhook_lease_seconds: float = Field(60.0, gt=0)
    """An attempt that has said nothing for so long was made by a worker that died."""
    webhook_publish_seconds: float = Field(10.0, gt=0)
    """A finished job, or a delivery that is to be made, whose message no worker has taken after this
    time is found by the outbox."""
    webhook_rotation_seconds: float = Field(DAY, gt=0)
    """How long the old secret signs too, after a new one was made."""
    webhook_keep_seconds: float = Field(30 * DAY, gt=0)
    """How long a delivery that has ended can be seen and sent again."""
    webhook_endpoints: int = Field(20, gt=0, le=100)
    """How many webhooks one owner may have."""
    webhook_allow_http: bool = False
    """Send over `http` too: whoever is on the way can read and change it."""
    webhook_ports: Annotated[frozenset[Port], NoDecode, Commas] = frozenset({80, 443, 8080, 8443})
    """Other ports belong to other protocols, and to services that trust whoever can connect."""
    webhook_allowed_targets: Annotated[frozenset[str], NoDecode, Commas] = frozenset()
    """Development only: each `host:port` here is sent to wherever it is, over `http` too."""
    webhook_dns_server: str | None = None
    """Development only: `address:port` of a name server to ask in place of the system's."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.webhook_schedule:
            raise ValueError("WEBHOOK_SCHEDULE needs one entry at least")
        if self.webhook_lease_seconds <= self.webhook_timeout_seconds:
            raise ValueError("WEBHOOK_LEASE_SECONDS must be more than WEBHOOK_TIMEOUT_SECONDS")
        if self.app_env == "production" and (
            self.webhook_allowed_targets or self.webhook_dns_server
        ):
            raise ValueError(
                "WEBHOOK_ALLOWED_TARGETS and WEBHOOK_DNS_SERVER open the door to this network: "
                "they are for APP_ENV=development"
            )
        return self


@cache
def webhook_settings() -> WebhookSettings:
    """The settings of this process, read once. Raises pydantic's ValidationError."""
    return WebhookSettings()
