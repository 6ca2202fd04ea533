"""The true vectors, which the grader requests itself, and scripted answers of the provider."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from autograder.sdk import Fault, Run

DIMENSIONS = 1_536
WITNESS = "sk-grader-witness"
"""A key of the grader. The stand-in gives the same answers, and the student's journal stays clean."""
CLOSE = 1e-4
"""The tolerance: vectors are transported as 32-bit floats."""

Vectors = NDArray[np.float32]


def true_vectors(run: Run, texts: Sequence[str]) -> Vectors:
    """The vectors of these texts, shape (texts, 1536), each of length 1."""
    answer = httpx.post(
        f"{run.environment()['OPENAI_BASE_URL']}/embeddings",
        headers={"authorization": f"Bearer {WITNESS}"},
        json={
            "model": "text-embedding-3-small",
            "input": list(texts),
            "encoding_format": "base64",
        },
        timeout=30.0,
        trust_env=False,
    )
    packed = [base64.b64decode(item["embedding"]) for item in answer.json()["data"]]
    return np.array([np.frombuffer(one, dtype="<f4") for one in packed])


def agree(one: Any, other: Any) -> bool:
    """Whether two vectors are equal within the tolerance."""
    return bool(np.allclose(np.asarray(one, dtype=np.float32), other, atol=CLOSE))


def sparse(rng: Random, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector with few numbers that are not zero, so that an answer stays short."""
    vector = [0.0] * dimensions
    for place in rng.sample(range(dimensions), min(6, dimensions)):
        vector[place] = round(rng.uniform(-1, 1), 3)
    return vector


def answer_with(items: Sequence[tuple[int, list[float]]]) -> Fault:
    """A fault: the next request is answered with these `(index, vector)` pairs, in this order."""
    data = [
        {"object": "embedding", "index": index, "embedding": [_short(one) for one in vector]}
        for index, vector in items
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    body = {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}
    return Fault.status(200, body=json.dumps(body, separators=(",", ":")))


def _short(value: float) -> float | int:
    return 0 if value == 0 else value
