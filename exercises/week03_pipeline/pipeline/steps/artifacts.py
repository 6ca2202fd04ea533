"""What a step makes lies in the blob store; its key travels. Given.

A key says what the artifact was made of, so the same step on the same input has the same key, in
whatever process, and another input or parameter has another.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.steps.embed import Vector
from pipeline.storage import blob_store

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
"""Above what the parser's limits let through: ten million characters, and their vectors."""


def artifact_key(document_id: str, step: str, made_from: str, **parameters: object) -> str:
    """Where the artifact that `step` makes from the blob `made_from` lies: `artifacts/<id>/…`."""
    origin = json.dumps([step, made_from, parameters], sort_keys=True)
    digest = hashlib.sha256(origin.encode()).hexdigest()[:16]
    return f"artifacts/{document_id}/{step}-{digest}"


def pack_json(value: object) -> bytes:
    """Pages or chunks as bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def load_json(key: str) -> Any:
    """The other way round, from the blob store."""
    return json.loads(blob_store().read(key, MAX_ARTIFACT_BYTES))


def pack_vectors(vectors: Sequence[Vector]) -> bytes:
    """Vectors as a NumPy file of 32-bit floats. No pickle: opening one runs what is in it."""
    packed = io.BytesIO()
    np.save(packed, np.asarray(vectors, dtype=np.float32), allow_pickle=False)
    return packed.getvalue()


def load_vectors(key: str) -> Sequence[Vector]:
    """The other way round, from the blob store."""
    packed = blob_store().read(key, MAX_ARTIFACT_BYTES)
    vectors: Sequence[Vector] = np.load(io.BytesIO(packed), allow_pickle=False)
    return vectors
