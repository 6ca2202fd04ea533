"""The errors of the news desk. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError
