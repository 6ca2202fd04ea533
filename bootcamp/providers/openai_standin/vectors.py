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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORD_WEIGHT = 2.0
"""A whole word that agrees says this much more than a run of letters that agrees."""
PART_LENGTHS = (3, 4, 5)
"""Lengths, in letters, of the runs that each word is cut into."""

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # slow to import

    return frozenset(ENGLISH_STOP_WORDS) | {"does", "did"}


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
    return [word for word in words if word not in _stop_words()] or words


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
    """Embed texts.

    Returns an array of shape (texts, dimensions); each row has length 1. Slow the first time:
    it imports scikit-learn.
    """
    import numpy as np
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.preprocessing import normalize

    hasher = FeatureHasher(dimensions, input_type="dict", dtype=np.float64)
    hashed = hasher.transform(features(text) for text in texts)
    rows = normalize(hashed).toarray().astype(np.float32)
    rows[~rows.any(axis=1), 0] = 1.0  # features that cancel out: a vector has length 1 all the same
    return np.asarray(rows)
