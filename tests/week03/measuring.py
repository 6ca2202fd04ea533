"""Parses one hostile file in a process of its own and measures it: what a fresh process imports."""

from __future__ import annotations

import io
import resource

from pipeline.steps import errors
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse import DOCX, PDF, PLAIN
from pipeline.steps.sandbox import parse_in_child
from tests.samples import hostile

MIB = 1024 * 1024
TIGHT = ParseLimits(
    memory_bytes=512 * MIB, cpu_seconds=3, wall_seconds=10, pages=500, answer_bytes=8 * MIB
)


def content_type(name: str) -> str:
    if "docx" in name or name in ("plain_zip", "elf"):
        return DOCX
    return PLAIN if "text_" in name or name == "white_space" else PDF


def parse_and_measure(name: str) -> tuple[str, int]:
    """All text of a file or its error's message, and the parser's peak of memory in bytes."""
    try:
        pages = parse_in_child(io.BytesIO(hostile.ALL[name]()), content_type(name), TIGHT)
        text = "\n".join(page["text"] for page in pages) or "no text"
    except errors.DocumentError as error:
        text = error.message
    return text, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
