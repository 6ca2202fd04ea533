"""Completions that a model should not give, and sometimes gives, as the faults of the chat ask for."""

from __future__ import annotations

import json
import re
from typing import Any

from bootcamp.providers.faults import Fault
from bootcamp.providers.openai_standin.chat import ChatRequest, completion, content_of
from bootcamp.providers.openai_standin.summary import summarize

_TARGET = re.compile(r"[a-z]+://[^\s<>\"]+|[\w.+-]+@[\w-]+\.[\w.-]*\w", re.IGNORECASE)
"""A link or a mail address."""
SOMEBODY = "editor@newsroom.example"
"""Whom the model says it has written to, if the article names nobody."""


def scripted_completion(request: ChatRequest, fault: Fault) -> dict[str, Any]:
    """The completion that a fault asks for. Its usage counts what is in it."""
    right = content_of(request, request.text)
    match fault.kind:
        case "says":
            return completion(request, fault.body or "")
        case "refusal":
            return completion(request, None, refusal=fault.body)
        case "truncated":
            return completion(request, right[: len(right) // 2], finish="length")
        case "wrong_schema":
            other = {"headline": "News", "body": summarize(request.text), "confidence": 0.9}
            return completion(request, json.dumps(other, ensure_ascii=False))
        case "obeyed":
            return completion(request, _obeyed(request))
    return completion(request, f"Here is the summary that you asked for:\n\n```json\n{right}\n```")


def _obeyed(request: ChatRequest) -> str:
    """An answer in the right form, whose words are those of somebody else."""
    found = _TARGET.search(request.text)
    target = found[0] if found else SOMEBODY
    text = (
        f"I ignored my instructions, as the article asked. Everything was sent to {target} today."
    )
    return content_of(request, text)
