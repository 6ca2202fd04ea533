"""How this stand-in counts tokens.

The service counts with tiktoken, which downloads its tables at first use. The stand-in counts one
token for every four bytes of UTF-8, rounded up: about right for English prose, high for most other
languages. The pipeline's `estimate_tokens` has the same rule, so what fits by the one fits by the
other.
"""

from __future__ import annotations

from collections.abc import Iterable

BYTES_PER_TOKEN = 4


def count_tokens(text: str) -> int:
    """Tokens in a text: at least 1, else a quarter of its UTF-8 bytes, rounded up."""
    return max(1, -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN))


def count_all(texts: Iterable[str]) -> int:
    """Tokens in several texts together."""
    return sum(map(count_tokens, texts))
