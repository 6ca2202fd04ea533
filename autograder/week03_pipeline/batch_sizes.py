"""Sizes of texts for which it is known how full each batch must be."""

from __future__ import annotations

from random import Random

MAX_INPUTS, MAX_INPUT_TOKENS, MAX_REQUEST_TOKENS = 2_048, 8_192, 300_000
LEAST = 12
"""The fewest tokens of a text that begins with a word of its own."""


def full_batches(tokens: list[int]) -> list[int]:
    """How many texts each batch has, if none ends before the next text would exceed a limit."""
    lengths: list[int] = []
    room = 0
    for count in tokens:
        if not lengths or lengths[-1] == MAX_INPUTS or count > room:
            lengths.append(0)
            room = MAX_REQUEST_TOKENS
        lengths[-1] += 1
        room -= count
    return lengths


def exactly_the_tokens(rng: Random) -> list[int]:
    """Three batches in a row of exactly as many tokens as allowed."""
    sizes: list[int] = []
    for _ in range(3):
        batch = [rng.randint(7_900, MAX_INPUT_TOKENS) for _ in range(36)]
        sizes += [*batch, MAX_REQUEST_TOKENS - sum(batch)]
    return [part for size in sizes for part in divided(size)]


def divided(size: int) -> list[int]:
    """A size as texts that are not too long each."""
    parts = -(-size // MAX_INPUT_TOKENS)
    return [size // parts + (n < size % parts) for n in range(parts)]


def room_at_the_end(rng: Random) -> list[int]:
    """Long texts that do not fit are followed by short ones that would fit the batch before."""
    longest = [rng.randint(7_900, MAX_INPUT_TOKENS) for _ in range(60)]
    return [size for pair in zip(longest, [LEAST] * 60, strict=True) for size in pair]


def short_texts_after_a_full_batch(rng: Random) -> list[int]:
    """Two full batches that begin with their longest text. Short texts follow, which fit only if a text is
    not counted.
    """
    longest, rest = divmod(MAX_REQUEST_TOKENS, MAX_INPUT_TOKENS)
    batch = [MAX_INPUT_TOKENS] * longest + [rest]
    return [*batch, *batch, *[LEAST] * rng.randint(3, 9)]


def exactly_the_texts(rng: Random) -> list[int]:
    """Two full batches of short texts, and a few more."""
    return [LEAST] * (2 * MAX_INPUTS + rng.randint(1, 9))


SIZES = (exactly_the_tokens, room_at_the_end, short_texts_after_a_full_batch, exactly_the_texts)
