"""The settings of feeds and of the news desk's schedule. Given to students complete.

Every value comes from the environment. The defaults are for production, and tests set fractions of a
second. Lists are separated by commas.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MEGABYTE = 1024 * 1024


def _commas(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
Commas = BeforeValidator(_commas)


class NewsSettings(BaseSettings):
    """Each field is read from the variable of its name in upper case. All times are in seconds."""

    app_env: Literal["development", "production"] = "production"
    news_tick_seconds: float = Field(60.0, gt=0)
    """The pause between two ticks, which look for feeds that are due."""
    news_feeds_per_tick: int = Field(100, ge=1)
    """How many feeds one tick claims at most."""
    news_interval_seconds: float = Field(15 * MINUTE, gt=0)
    """The pause between two collections of the same feed."""
    news_backoff_cap_seconds: float = Field(DAY, gt=0)
    """The longest pause after failures."""
    news_lease_seconds: float = Field(5 * MINUTE, gt=0)
    """How long a claimed feed belongs to its message. It must be more than the message waits in the queue
    and the collection takes."""
    news_collect_seconds: int = Field(60, ge=1)
    """How long one collection may take: fetching, parsing and storing."""
    news_fetch_seconds: float = Field(20.0, gt=0)
    """How long one fetch may take, all redirects and the last byte of the document included."""
    news_max_bytes: int = Field(5 * MEGABYTE, ge=1)
    """The largest document, after it is decompressed."""
    news_summarise_seconds: float = Field(MINUTE, gt=0)
    """The pause between two runs that summarise articles."""
    news_trends_seconds: float = Field(10 * MINUTE, gt=0)
    """The pause between two looks for a window of trends that is closed."""
    news_digest_seconds: float = Field(10 * MINUTE, gt=0)
    """The pause between two looks for digests that are to be sent."""
    news_ports: Annotated[frozenset[Port], NoDecode, Commas] = frozenset({80, 443, 8080, 8443})
    """The allowed ports of feeds. Others belong to other protocols."""
    news_allowed_targets: Annotated[frozenset[str], NoDecode, Commas] = frozenset()
    """Development only: feeds at these `host:port` are fetched although the address is not public."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.news_lease_seconds <= self.news_fetch_seconds:
            raise ValueError("NEWS_LEASE_SECONDS must be more than NEWS_FETCH_SECONDS")
        if self.news_collect_seconds < self.news_fetch_seconds:
            raise ValueError("NEWS_COLLECT_SECONDS must not be less than NEWS_FETCH_SECONDS")
        if self.app_env == "production" and self.news_allowed_targets:
            raise ValueError(
                "NEWS_ALLOWED_TARGETS allows requests into this network: "
                "set it only with APP_ENV=development"
            )
        return self


@cache
def news_settings() -> NewsSettings:
    """Return the settings of this process, which are read once. Raises pydantic's ValidationError."""
    return NewsSettings()
