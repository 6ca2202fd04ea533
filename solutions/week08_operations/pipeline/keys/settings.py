"""The settings of API keys. Given to students complete."""

from __future__ import annotations

from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

HOUR = 3600


class KeySettings(BaseSettings):
    """Each field is read from the variable of the same name in upper case."""

    app_env: Literal["development", "production"] = "production"
    api_keys: Literal["required", "off"] = "required"
    """`off`: everybody is the owner `public`, as in weeks 2 to 7. For development only, while the code
    that verifies a key is not written yet."""
    key_check_seconds: float = Field(5.0, gt=0, le=60)
    """How long a process relies on what it has read about a key. A revoked key is refused after this
    time at the latest, and its open streams end within twice this time."""
    login_seconds: int = Field(12 * HOUR, gt=0)
    """How long a browser keeps the cookie of the login page."""

    @model_validator(mode="after")
    def _closed_in_production(self) -> Self:
        if self.api_keys == "off" and self.app_env != "development":
            raise ValueError("API_KEYS=off is allowed only with APP_ENV=development")
        return self

    @property
    def secure_cookie(self) -> bool:
        """Whether the cookie travels over HTTPS only. The local stack has no HTTPS."""
        return self.app_env != "development"


@cache
def key_settings() -> KeySettings:
    """The settings of this process, read once."""
    return KeySettings()
