"""The custom task states of the pipeline, next to Celery's own. Given to students complete.

Celery defines PENDING, STARTED, RETRY, SUCCESS, FAILURE and REVOKED, and it stores any other name
that a task uses. Celery also answers PENDING for an id that was never submitted. So the API stores
QUEUED before it publishes, and can tell the two cases apart.
"""

from __future__ import annotations

QUEUED = "QUEUED"
"""The API has accepted the document, and no worker has started to process it."""
PROGRESS = "PROGRESS"
"""A worker processes the document. The meta is `{"step": str, "percent": int}`, percent 0 to 100."""
