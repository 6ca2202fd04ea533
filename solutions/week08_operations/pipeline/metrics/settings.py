"""The settings of metrics, logs and the graceful stop. Given to students complete."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class MetricsSettings(BaseSettings):
    """Each field is read from the variable of the same name in upper case."""

    app_env: Literal["development", "production"] = "production"
    metrics_port: int | None = Field(None, gt=0, le=65535)
    """The port on which a worker serves its metrics. None: it serves none."""
    metrics_host: str = "127.0.0.1"
    """The address that a worker binds for its metrics. Everybody who reaches it can read them."""
    totals_seconds: float = Field(30.0, ge=0)
    """How long an API process relies on its last count of all jobs."""
    log_format: Literal["text", "json"] | None = None
    """The form of a log line. None: JSON, except in development."""
    graceful_stop_seconds: float = Field(10.0, gt=0)
    """How long a worker that stops lets its tasks run on. The supervisor's own limit must be longer."""

    @property
    def json_logs(self) -> bool:
        """Whether each log line is a JSON object."""
        chosen = self.log_format or ("text" if self.app_env == "development" else "json")
        return chosen == "json"


@cache
def metrics_settings() -> MetricsSettings:
    """Return the settings of this process, which are read once."""
    return MetricsSettings()
