"""What a summary of an article is. Given to students complete."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary that the model wrote and that was validated.

    Attributes:
        summary: the text, without white space at its ends.
        topics: one to a few words for each topic, in lower case, each once, in the model's order.
        model: the name of the model that answered.
        tokens: how many tokens the provider counted for it: instructions, article and answer together,
            over all requests that this summary took.
    """

    summary: str
    topics: tuple[str, ...]
    model: str
    tokens: int
