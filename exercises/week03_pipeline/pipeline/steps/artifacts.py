"""Artifacts: the results of steps, which are stored as blobs. Messages contain only their keys.

Given to students complete. The key of an artifact depends on everything that the step reads. So the same
step on the same input has the same key in every process, and another input or parameter gives another key.
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
"""The most bytes that are read: more than the parser's limits allow, which are ten million characters."""


def artifact_key(document_id: str, step: str, made_from: str, **parameters: object) -> str:
    """Return the key of the artifact that `step` makes from the blob `made_from`: `artifacts/<id>/…`."""
    origin = json.dumps([step, made_from, parameters], sort_keys=True)
    digest = hashlib.sha256(origin.encode()).hexdigest()[:16]
    return f"artifacts/{document_id}/{step}-{digest}"


def pack_json(value: object) -> bytes:
    """Turn pages or chunks into bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def load_json(key: str) -> Any:
    """Read pages or chunks from the blob store."""
    return json.loads(blob_store().read(key, MAX_ARTIFACT_BYTES))


def pack_vectors(vectors: Sequence[Vector]) -> bytes:
    """Turn vectors into a NumPy file of 32-bit floats. No pickle, because opening a pickle can run code."""
    packed = io.BytesIO()
    np.save(packed, np.asarray(vectors, dtype=np.float32), allow_pickle=False)
    return packed.getvalue()


def load_vectors(key: str) -> Sequence[Vector]:
    """Read vectors from the blob store."""
    packed = blob_store().read(key, MAX_ARTIFACT_BYTES)
    vectors: Sequence[Vector] = np.load(io.BytesIO(packed), allow_pickle=False)
    return vectors
