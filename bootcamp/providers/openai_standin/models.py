"""The models that the stand-in knows, and their limits.

Source of the embedding limits: the service's API reference for `POST /v1/embeddings`.
"""

from __future__ import annotations

EMBEDDING_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Model to its number of dimensions."""
FIXED_DIMENSIONS = frozenset({"text-embedding-ada-002"})
"""Embedding models that refuse the `dimensions` parameter."""

CHAT_MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
)

MAX_INPUTS = 2_048
MAX_TOKENS_PER_INPUT = 8_192
MAX_TOKENS_PER_REQUEST = 300_000
MAX_CHAT_TOKENS = 128_000
MAX_BODY_BYTES = 16 * 1024 * 1024
"""A larger body is refused with 413 before it is parsed."""

CREATED = 1_705_953_180
"""When every model claims to have been made (seconds since 1970)."""
