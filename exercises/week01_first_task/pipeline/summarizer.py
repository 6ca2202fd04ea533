"""Asks the language model for a summary: the slow part of week 1.

Given to students complete. The `openai` client reads `OPENAI_API_KEY` and `OPENAI_BASE_URL`, so the
same lines talk to the local stand-in or to the real service.
"""

from __future__ import annotations

import os
from functools import cache

from openai import OpenAI

REQUEST_TIMEOUT_SECONDS = 60.0


@cache
def _client() -> OpenAI:
    return OpenAI(timeout=REQUEST_TIMEOUT_SECONDS, max_retries=0)


def summarize(title: str) -> str:
    """One sentence about the article called `title`. Blocks until the model has answered.

    Raises:
        openai.OpenAIError: the model could not be reached or refused.
    """
    answer = _client().chat.completions.create(
        model=os.environ.get("CHAT_MODEL", "gpt-4o-mini"),
        messages=[
            {"role": "system", "content": "Summarise the article in one sentence."},
            {"role": "user", "content": title},
        ],
    )
    return answer.choices[0].message.content or ""
