"""Summaries without a model: the sentences whose words the text uses most, in the text's order.

The method of Luhn 1958, "The Automatic Creation of Literature Abstracts", at its simplest.
"""

from __future__ import annotations

import re
from collections import Counter

from bootcamp.providers.openai_standin.vectors import content_words

MAX_SENTENCES = 3
MAX_SENTENCE_CHARS = 400
MAX_TEXT_CHARS = 200_000
"""What lies beyond is not read."""

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n{2,}")


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line."""
    found = (" ".join(piece.split()) for piece in _SENTENCE_END.split(text[:MAX_TEXT_CHARS]))
    return [sentence[:MAX_SENTENCE_CHARS] for sentence in found if sentence]


def keywords(text: str, count: int) -> list[str]:
    """The words that the text uses most, the earlier one first among equals."""
    words = [word for word in content_words(text[:MAX_TEXT_CHARS]) if len(word) > 3]
    return [word for word, _ in Counter(words).most_common(count)]


def summarize(text: str, limit: int = MAX_SENTENCES) -> str:
    """At most `limit` sentences of the text, in its order."""
    found = sentences(text)
    if len(found) <= limit:
        return " ".join(found)
    counts = Counter(content_words(" ".join(found)))

    def weight(place: int) -> float:
        words = set(content_words(found[place]))
        return sum(counts[word] for word in words) / (len(words) + 4)  # short ones do not win

    best = sorted(range(len(found)), key=weight, reverse=True)[:limit]
    return " ".join(found[place] for place in sorted(best))
