"""Embeddings without a model: texts that share words, or parts of words, lie near each other.

The hashing trick (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"):
every word and every run of letters in it is hashed to one of the dimensions with a sign. No state,
no download, the same vector on every machine. It knows no synonyms: it is a stand-in, not a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import mmh3
import numpy as np
from numpy.typing import NDArray

from bootcamp.providers.openai_standin.stop_words import STOP_WORDS

WORD_WEIGHT = 2.0
"""A whole word that agrees says this much more than a run of letters that agrees."""
PART_LENGTHS = (3, 4, 5)
"""Lengths, in letters, of the runs that each word is cut into."""

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=100_000)
def _parts(word: str) -> tuple[str, ...]:
    padded = f"<{word}>"
    return tuple(
        padded[start : start + length]
        for length in PART_LENGTHS
        for start in range(len(padded) - length + 1)
    )


def content_words(text: str) -> list[str]:
    """The words of a text in lower case, without those that say nothing."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word for word in words if word not in STOP_WORDS] or words


def features(text: str) -> dict[str, float]:
    """What a text is made of, with weights: the root of how often each feature occurs."""
    counts = Counter(content_words(text))
    parts: Counter[str] = Counter()
    for word, times in counts.items():
        for part in _parts(word):
            parts[part] += times
    weighted = {f"word {word}": WORD_WEIGHT * sqrt(times) for word, times in counts.items()}
    weighted.update((part, sqrt(times)) for part, times in parts.items())
    return weighted or {f"mark {mark}": 1.0 for mark in text}


def embed(texts: Sequence[str], dimensions: int) -> NDArray[np.float32]:
    """Embed texts: an array of shape (texts, dimensions), whose rows have length 1."""
    rows = np.zeros((len(texts), dimensions))
    for row, text in zip(rows, texts, strict=True):
        for feature, weight in features(text).items():
            hashed = mmh3.hash(feature)  # 32 bits, with a sign
            row[abs(hashed) % dimensions] += weight if hashed >= 0 else -weight
    rows[~rows.any(axis=1), 0] = 1.0  # features that cancel out: a vector has length 1 all the same
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float32)
