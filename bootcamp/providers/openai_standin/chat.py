"""`POST /v1/chat/completions`: a summary made of the text's own sentences, or JSON to a schema."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bootcamp.providers.openai_standin import models
from bootcamp.providers.openai_standin.errors import ServiceError
from bootcamp.providers.openai_standin.schema import fill
from bootcamp.providers.openai_standin.summary import summarize
from bootcamp.providers.openai_standin.tokens import count_all, count_tokens, first_tokens

_MARKED = re.compile(r"\s*<(?P<name>\w+)>(?P<inner>.*)</(?P=name)>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that passed every check."""

    model: str
    text: str
    tokens: int
    max_tokens: int | None
    stream: bool
    with_usage: bool
    json_schema: dict[str, Any] | None


def texts_of(body: dict[str, Any]) -> tuple[str, ...]:
    """The text of every message, in order; parts of one message are joined by line breaks."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return ()
    return tuple(_text(message) for message in messages if isinstance(message, dict))


def details_of(body: dict[str, Any]) -> dict[str, Any]:
    """What the journal says about a chat: who says each message, the format and the limit."""
    messages = body.get("messages")
    said = messages if isinstance(messages, list) else []
    return {
        "roles": [str(message.get("role")) for message in said if isinstance(message, dict)],
        "response_format": body.get("response_format"),
        "max_tokens": body.get("max_completion_tokens", body.get("max_tokens")),
    }


def read_request(body: dict[str, Any]) -> ChatRequest:
    """Check a body as the service does.

    Raises:
        ServiceError: 400 or 404, with the parameter that is wrong.
    """
    model = body.get("model")
    if not isinstance(model, str):
        raise ServiceError(400, "You must name a model.", param="model")
    if model not in models.CHAT_MODELS:
        message = f"The model `{model[:100]}` does not exist or is no chat model."
        raise ServiceError(404, message, code="model_not_found")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ServiceError(400, "messages is an array with at least one message.", param="messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ServiceError(400, "A message has a role and content.", param=f"messages[{place}]")
    tokens = count_all(texts_of(body))
    if tokens > models.MAX_CHAT_TOKENS:
        message = f"The messages have {tokens} tokens; the model takes {models.MAX_CHAT_TOKENS}."
        raise ServiceError(400, message, param="messages", code="context_length_exceeded")
    asked = [_text(m) for m in messages if m["role"] == "user"] or [""]
    options = body.get("stream_options")
    return ChatRequest(
        model=model,
        text=_between_markers(asked[-1]),
        tokens=tokens,
        max_tokens=_max_tokens(body),
        stream=body.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        json_schema=_schema(body),
    )


def answer(request: ChatRequest) -> dict[str, Any]:
    """The completion, as the service words it."""
    content = content_of(request, request.text)
    if request.max_tokens is not None and count_tokens(content) > request.max_tokens:
        return completion(request, first_tokens(content, request.max_tokens), finish="length")
    return completion(request, content)


def completion(
    request: ChatRequest, content: str | None, *, finish: str = "stop", refusal: str | None = None
) -> dict[str, Any]:
    """A completion with this content, or with this refusal."""
    said = content if content is not None else refusal or ""
    used = count_tokens(said)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": refusal,
        "annotations": [],
    }
    return {
        "id": _completion_id(request, said),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": request.tokens,
            "completion_tokens": used,
            "total_tokens": request.tokens + used,
        },
    }


def events(whole: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """A completion as server-sent events, a word at a time."""
    choice = whole["choices"][0]
    base = {key: whole[key] for key in ("id", "created", "model")}
    base["object"] = "chat.completion.chunk"
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    if choice["message"]["refusal"]:
        deltas.append(({"refusal": choice["message"]["refusal"]}, None))
    words = (choice["message"]["content"] or "").split(" ")
    deltas += [({"content": w if i == 0 else f" {w}"}, None) for i, w in enumerate(words)]
    deltas.append(({}, choice["finish_reason"]))
    for delta, finish in deltas:
        piece = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield f"data: {json.dumps({**base, 'choices': [piece]})}\n\n"
    if with_usage:
        yield f"data: {json.dumps({**base, 'choices': [], 'usage': whole['usage']})}\n\n"
    yield "data: [DONE]\n\n"


def content_of(request: ChatRequest, text: str) -> str:
    """What the model says about a text: JSON if the request has a schema, else a summary."""
    if request.json_schema is None:
        return summarize(text)
    return json.dumps(fill(request.json_schema, text), ensure_ascii=False)


def _completion_id(request: ChatRequest, content: str) -> str:
    return "chatcmpl-" + hashlib.sha256(f"{request}{content}".encode()).hexdigest()[:29]


def _between_markers(text: str) -> str:
    """What a message has between `<name>` and `</name>`, if these are around all of it: a model takes
    such markers as markers, and does not repeat them.
    """
    found = _MARKED.fullmatch(text)
    return found["inner"] if found else text


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _max_tokens(body: dict[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is not None:
            if type(limit) is not int or limit < 1:
                raise ServiceError(400, f"{name} is a whole number from 1.", param=name)
            return limit
    return None


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON schema that the answer must follow, if one is asked for."""
    wanted = body.get("response_format") or {"type": "text"}
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object", "properties": {"summary": {"type": "string"}}}
    given = wanted.get("json_schema") if kind == "json_schema" else None
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        message = "response_format is text, json_object, or json_schema with a name and a schema."
        raise ServiceError(400, message, param="response_format")
    schema = given.get("schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        message = "The schema's top level must be of type object."
        raise ServiceError(400, message, param="response_format")
    if given.get("strict") and schema.get("additionalProperties") is not False:
        message = "A strict schema needs additionalProperties: false on every object."
        raise ServiceError(400, message, param="response_format")
    return schema
