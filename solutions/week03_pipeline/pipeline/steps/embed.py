"""Step 3: every text becomes a vector, in as few requests as the provider's limits allow."""

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
"""The most texts in one request."""
MAX_INPUT_TOKENS = 8_192
"""The most tokens in one text. A chunk of 1,000 characters has at most 4,000 bytes, so it always fits."""
MAX_REQUEST_TOKENS = 300_000
"""The most tokens in one request, all texts together."""
DIMENSIONS = 1_536
"""How many numbers a vector of `text-embedding-3-small` has."""
REQUEST_TIMEOUT_SECONDS = 60.0

Vector = NDArray[np.float32]
"""An array of shape (1536,). A number takes four bytes, as in PostgreSQL. A Python list takes eight
times as much memory."""


def estimate_tokens(text: str) -> int:
    """Return an estimate of a text's tokens that is never too low. Given to students complete.

    A token of the model is made of one or more bytes, so a text has at most as many tokens as it has
    bytes in UTF-8. English has about four bytes per token, and a table of single digits has one. An
    exact count needs the model's vocabulary, which tiktoken downloads.
    """
    return max(1, len(text.encode("utf-8", "replace")))


def embedding_model() -> str:
    """Return the name of the embedding model. Given to students complete.

    Chunks and questions must be embedded by the same model.
    """
    return os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")


@cache
def client() -> OpenAI:
    """Return this process's client of the provider. Given to students complete.

    The client does not retry. The task that runs the step decides about retries (week 5).
    """
    return OpenAI(timeout=REQUEST_TIMEOUT_SECONDS, max_retries=0)


def batches(texts: Sequence[str]) -> list[list[str]]:
    """Pack texts into batches that the provider accepts, each as full as its limits allow.

    Args:
        texts: the texts to embed. `estimate_tokens` says how many tokens each has.

    Returns:
        The batches. Together they contain the texts in their order. No batch is empty.

    Raises:
        TextTooLong: a single text has more than `MAX_INPUT_TOKENS` tokens.
    """
    # BEGIN SOLUTION 3.3
    # ? a) Fill a batch in the order of the texts until the next text would exceed a limit. Then begin
    # ? the next batch.
    # ? b) A batch has at most `MAX_INPUTS` texts, and at most `MAX_REQUEST_TOKENS` tokens in total.
    # ? Exactly these numbers are allowed.
    # ? c) Raise `TextTooLong` for a text of more than `MAX_INPUT_TOKENS` tokens. Check all texts before
    # ? you return, so that nothing is sent for a document that cannot be embedded.
    # ? d) Return an empty list if there are no texts.
    packed: list[list[str]] = []
    room = 0  # tokens that still fit the last batch
    for text in texts:
        tokens = estimate_tokens(text)
        if tokens > MAX_INPUT_TOKENS:
            raise TextTooLong
        if not packed or tokens > room or len(packed[-1]) == MAX_INPUTS:
            packed.append([])
            room = MAX_REQUEST_TOKENS
        packed[-1].append(text)
        room -= tokens
    return packed
    # END SOLUTION


def check_model(lengths: Sequence[int]) -> None:
    """Reject an answer whose vectors all have the same length, but not the length of the index. Given to
    students complete.

    Args:
        lengths: how many numbers each vector of the answer has.

    Raises:
        WrongModel: `EMBEDDING_MODEL` names a model that does not fit the index, so a retry cannot help.
    """
    if len(set(lengths)) == 1 and lengths[0] not in (0, DIMENSIONS):
        raise WrongModel


def embed_batch(batch: list[str]) -> list[Vector]:
    """Send one request and return a vector for each text, in the order of the texts.

    Raises:
        BadEmbeddings: the answer does not fit the request.
        WrongModel: the vectors have the length of another model.
        openai.OpenAIError: the provider is unreachable, or it rejects the request.
    """
    try:
        answer = client().embeddings.create(model=embedding_model(), input=batch)
        check_model([len(item.embedding) for item in answer.data])
        if not all(isinstance(item.index, int) for item in answer.data):
            raise BadEmbeddings
    except (ValueError, TypeError, AttributeError) as error:  # status 200, but no valid answer
        raise BadEmbeddings from error
    progress.advance(len(batch))
    # BEGIN SOLUTION 3.3
    # ? e) Order the items of `answer.data` by `item.index`: the place of the item's text in `batch`.
    # ? f) Raise `BadEmbeddings` unless the indexes are exactly 0, 1, 2, … with one for each text.
    # ? g) Raise `BadEmbeddings` unless each `item.embedding` has exactly `DIMENSIONS` numbers, all
    # ? finite. pgvector would reject a NaN too, but only in the next step.
    # ? h) Return the vectors in this order, as NumPy arrays of `np.float32`.
    items = sorted(answer.data, key=lambda item: item.index)
    if [item.index for item in items] != list(range(len(batch))):
        raise BadEmbeddings
    vectors = [np.array(item.embedding, dtype=np.float32) for item in items]
    if any(vector.shape != (DIMENSIONS,) or not np.isfinite(vector).all() for vector in vectors):
        raise BadEmbeddings
    return vectors
    # END SOLUTION


def embed_texts(texts: Sequence[str]) -> list[Vector]:
    """Return a vector for each text, in the order of the texts. Equal texts are sent once.

    Raises:
        TextTooLong: a text is too long. Nothing has been sent.
        BadEmbeddings: an answer does not fit its request.
        WrongModel: the vectors have the length of another model.
        openai.OpenAIError: the provider is unreachable, or it rejects a request.
    """
    # BEGIN SOLUTION 3.3
    # ? i) Send each different text once: headers and footers repeat on every page, and each token costs
    # ? money. Texts that differ in case or in white space are different.
    # ? j) Pack these texts with `batches`, and send each batch with `embed_batch`. Send nothing if there
    # ? are no texts.
    # ? k) Return one vector for each place in `texts`, in order. Equal texts get the same vector.
    # ? l) Let errors through, and do not send a batch again. The task decides about retries (week 5).
    unique = list(dict.fromkeys(texts))
    vectors = [vector for batch in batches(unique) for vector in embed_batch(batch)]
    vector_of = dict(zip(unique, vectors, strict=True))
    return [vector_of[text] for text in texts]
    # END SOLUTION
