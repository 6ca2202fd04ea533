"""Ask the language model for a summary. This is the slow part of week 1.

Given to students complete. The `openai` client reads `OPENAI_API_KEY` and `OPENAI_BASE_URL` from the
environment, so the same code talks to the local stand-in or to the real service.
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
    """Ask the model for one sentence about an article, and block until it has answered.

    Args:
        title: the title of the article.

    Returns:
        The model's sentence.

    Raises:
        openai.OpenAIError: the model is unreachable, or it rejects the request.
    """
    answer = _client().chat.completions.create(
        model=os.environ.get("CHAT_MODEL", "gpt-4o-mini"),
        messages=[
            {"role": "system", "content": "Summarise the article in one sentence."},
            {"role": "user", "content": title},
        ],
    )
    return answer.choices[0].message.content or ""
