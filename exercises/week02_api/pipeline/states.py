"""The custom task states of the pipeline, next to Celery's own.

Given to students complete. Celery has PENDING, STARTED, RETRY, SUCCESS, FAILURE and REVOKED, and
stores any other name that a task gives. Its PENDING also means "never heard of": that is why the
API stores QUEUED before it publishes.
"""

from __future__ import annotations

QUEUED = "QUEUED"
"""The API has accepted the document; no worker has begun."""
PROGRESS = "PROGRESS"
"""A worker is at it. The meta is `{"step": str, "percent": int}`, percent from 0 to 100."""
