"""The local stack: `with Stack() as stack: …`. See ARCHITECTURE.md, "The local stack"."""

from bootcamp.stack.run import Run
from bootcamp.stack.stack import Stack, default_state, find_or_start

__all__ = ["Run", "Stack", "default_state", "find_or_start"]
