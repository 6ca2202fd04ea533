"""The settings of trends. Given to students complete."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings

from pipeline.news.trend_model import Limits


class TrendSettings(BaseSettings):
    """Each field is read from the variable of the same name in upper case."""

    trend_window_seconds: int = Field(6 * 3600, ge=60)
    """The length of a window. Windows are aligned to 1970-01-01 00:00 UTC."""
    trend_baseline_windows: int = Field(28, ge=1)
    """How many windows before the current one are the baseline: a week of six hours each."""
    trend_min_articles: int = Field(3, ge=1)
    trend_min_score: float = Field(1.0, ge=0)
    trend_top: int = Field(20, ge=1, le=200)
    trend_prior: float = Field(1_000.0, ge=1)

    @property
    def window(self) -> timedelta:
        """The length of a window."""
        return timedelta(seconds=self.trend_window_seconds)

    @property
    def limits(self) -> Limits:
        """What the list may contain."""
        return Limits(
            min_articles=self.trend_min_articles,
            min_score=self.trend_min_score,
            top=self.trend_top,
            prior=self.trend_prior,
        )


@cache
def trend_settings() -> TrendSettings:
    """Return the settings of this process, which are read once."""
    return TrendSettings()
