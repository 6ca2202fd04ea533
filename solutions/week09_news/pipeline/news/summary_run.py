"""Summarises the articles that have no summary yet. Given to students complete."""

from __future__ import annotations


def summarise_open() -> int:
    """Summarise articles until none is open, or the run's budget of tokens is used up.

    It stores each summary by `store.save(article_id, summary, embedding, generation)`, which returns
    False if the generation of the claim is no longer current.

    Returns:
        How many summaries were stored.
    """
    raise NotImplementedError
