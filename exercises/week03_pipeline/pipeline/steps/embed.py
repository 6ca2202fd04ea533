"""Step 3: every text becomes a vector, in as few requests as the provider allows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from openai import OpenAI

from pipeline.steps import progress
from pipeline.steps.errors import BadEmbeddings, TextTooLong, WrongModel

MAX_INPUTS = 2_048
"""Texts in one request."""
MAX_INPUT_TOKENS = 8_192
"""Tokens in one text. A chunk of 1,000 characters has at most 4,000 bytes, so it always fits."""
MAX_REQUEST_TOKENS = 300_000
"""Tokens in one request, all texts together."""
DIMENSIONS = 1_536
"""Numbers in one vector of `text-embedding-3-small`."""
REQUEST_TIMEOUT_SECONDS = 60.0

Vector = NDArray[np.float32]
"""Shape (1536,). Four bytes a number, as PostgreSQL keeps it; a Python list takes eight times that."""


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text so that the estimate is never too low. Given.

    The model's tokens are made of bytes, so a text has at most one token for each byte of its
    UTF-8. English has about four bytes a token; a table of single digits has one. A true count
    needs the model's vocabulary, which tiktoken downloads.
    """
    return max(1, len(text.encode("utf-8", "replace")))


def embedding_model() -> str:
    """The model that makes the vectors. Chunks and questions must come from the same one. Given."""
    return os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")


@cache
def client() -> OpenAI:
    """The provider's client of this process. It does not retry: whoever runs the step decides. Given."""
    return OpenAI(timeout=REQUEST_TIMEOUT_SECONDS, max_retries=0)


def batches(texts: Sequence[str]) -> list[list[str]]:
    """Pack the texts, in order, into batches that the provider takes. None is empty.

    Tokens are counted by `estimate_tokens`.

    Raises:
        TextTooLong: a single text has more than `MAX_INPUT_TOKENS`.
    """
    # TODO 3.3: Fill a batch until the next text would break a limit, then begin the next one.
    #   There are two limits for a request: the number of texts, and the tokens of all of them
    #   together.
    #   A text that is over the limit alone fits no batch: say so before anything is sent.
    #   No texts, no batches.
    raise NotImplementedError("3.3")


def check_model(lengths: Sequence[int]) -> None:
    """Refuse an answer whose vectors all have one length, but not the length that the index has. Given.

    Args:
        lengths: how many numbers each vector of the answer has.

    Raises:
        WrongModel: `EMBEDDING_MODEL` names a model that does not fit, so no retry can help.
    """
    if len(set(lengths)) == 1 and lengths[0] not in (0, DIMENSIONS):
        raise WrongModel


def embed_batch(batch: list[str]) -> list[Vector]:
    """Send one request and return a vector for each text, in the order of the texts.

    Raises:
        BadEmbeddings: the answer does not fit the request.
        WrongModel: the vectors are those of another model.
        openai.OpenAIError: the provider could not be reached or refused.
    """
    try:
        answer = client().embeddings.create(model=embedding_model(), input=batch)
        check_model([len(item.embedding) for item in answer.data])
    except (ValueError, TypeError, AttributeError) as error:  # status 200, and no answer in it
        raise BadEmbeddings from error
    progress.advance(len(batch))
    # TODO 3.3: Believe no answer. Each item says by its `index` which text it belongs to: sort by
    #   it, and check that every text has exactly one. Check that each vector has `DIMENSIONS`
    #   numbers, all finite: pgvector refuses a NaN, but only in the next step, far from its cause.
    raise NotImplementedError("3.3")


def embed_texts(texts: Sequence[str]) -> list[Vector]:
    """A vector for each text, in the order of the texts. Equal texts are sent once.

    Raises:
        TextTooLong, BadEmbeddings, WrongModel, openai.OpenAIError.
    """
    # TODO 3.3: Headers and footers repeat on every page, and every token costs money: send each
    #   different text once, batch by batch, and give its vector to all places where the text
    #   stands.
    raise NotImplementedError("3.3")
