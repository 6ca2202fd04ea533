"""`POST /v1/embeddings`: check the request, embed, encode."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from bootcamp.providers.openai_standin import models
from bootcamp.providers.openai_standin.errors import ServiceError
from bootcamp.providers.openai_standin.tokens import count_tokens
from bootcamp.providers.openai_standin.vectors import embed


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A request that passed every check."""

    model: str
    texts: tuple[str, ...]
    tokens: int
    dimensions: int
    encoding: Literal["float", "base64"]


def texts_of(body: dict[str, Any]) -> tuple[str, ...]:
    """The inputs as texts, whatever is wrong with the body. A token array is a text of numbers."""
    return tuple(
        item if isinstance(item, str) else " ".join(map(str, item))
        for item in _items(body)
        if isinstance(item, str) or _is_token_array(item)
    )


def read_request(body: dict[str, Any]) -> EmbeddingRequest:
    """Check a body as the service does.

    Raises:
        ServiceError: 400 or 404, with the parameter that is wrong.
    """
    model = body.get("model")
    if not isinstance(model, str):
        raise ServiceError(400, "You must name a model.", param="model")
    if model not in models.EMBEDDING_DIMENSIONS:
        message = f"The model `{model[:100]}` does not exist or is no embedding model."
        raise ServiceError(404, message, code="model_not_found")
    tokens = _count(_items(body))
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        message = "encoding_format is either 'float' or 'base64'."
        raise ServiceError(400, message, param="encoding_format")
    return EmbeddingRequest(model, texts_of(body), tokens, _dimensions(body, model), encoding)


def answer(request: EmbeddingRequest) -> dict[str, Any]:
    """Embed. Blocks on the processor: call it in a thread."""
    rows = embed(request.texts, request.dimensions)
    if request.encoding == "base64":
        encoded: list[Any] = [base64.b64encode(row.astype("<f4")).decode() for row in rows]
    else:
        encoded = rows.tolist()
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(encoded)
        ],
        "model": request.model,
        "usage": {"prompt_tokens": request.tokens, "total_tokens": request.tokens},
    }


def _items(body: dict[str, Any]) -> list[Any]:
    given = body.get("input")
    return given if isinstance(given, list) and not _is_token_array(given) else [given]


def _is_token_array(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def _count(items: list[Any]) -> int:
    """Tokens of all inputs, each and together inside the limits."""
    if not items:
        raise ServiceError(400, "input holds nothing to embed.", param="input")
    if len(items) > models.MAX_INPUTS:
        message = f"input has {len(items)} items; at most {models.MAX_INPUTS} are allowed."
        raise ServiceError(400, message, param="input")
    total = 0
    for place, item in enumerate(items):
        if item == "":
            raise ServiceError(400, f"input[{place}] is an empty string.", param="input")
        if not isinstance(item, str) and not _is_token_array(item):
            message = f"input[{place}] is neither a string nor an array of tokens."
            raise ServiceError(400, message, param="input")
        tokens = count_tokens(item) if isinstance(item, str) else len(item)
        if tokens > models.MAX_TOKENS_PER_INPUT:
            message = (
                f"input[{place}] has {tokens} tokens; the model takes at most "
                f"{models.MAX_TOKENS_PER_INPUT} tokens an input."
            )
            raise ServiceError(400, message, param="input")
        total += tokens
    if total > models.MAX_TOKENS_PER_REQUEST:
        message = (
            f"The inputs have {total} tokens together; at most {models.MAX_TOKENS_PER_REQUEST} "
            "tokens are allowed in one request."
        )
        raise ServiceError(400, message, param="input", code="max_tokens_per_request")
    return total


def _dimensions(body: dict[str, Any], model: str) -> int:
    largest = models.EMBEDDING_DIMENSIONS[model]
    wanted = body.get("dimensions")
    if wanted is None:
        return largest
    if model in models.FIXED_DIMENSIONS:
        raise ServiceError(400, f"{model} takes no dimensions.", param="dimensions")
    if type(wanted) is not int or not 1 <= wanted <= largest:
        message = f"dimensions is a whole number from 1 to {largest} for {model}."
        raise ServiceError(400, message, param="dimensions")
    return wanted
