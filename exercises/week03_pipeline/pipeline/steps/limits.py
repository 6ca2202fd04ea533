"""How much of this machine one document may use. Given.

Standard library only: the child process that parses reads this file too, and it starts for every
document.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class ParseLimits:
    """One document's budget. A file that goes over it fails with a `DocumentTooLarge` or
    `DocumentTooSlow`; the worker goes on to the next.
    """

    memory_bytes: int = 1024 * MIB
    """Address space of the parsing process, libraries included."""
    cpu_seconds: int = 120
    wall_seconds: int = 180
    """Longer than the processor time: the machine has other work too."""
    pages: int = 5_000
    characters: int = 10_000_000
    document_bytes: int = 200 * MIB
    """The file as uploaded. The API refuses earlier; this holds for other ways in."""
    unpacked_bytes: int = 200 * MIB
    """Sum of what the members of an archive (a DOCX is one) say they unpack to."""
    archive_members: int = 5_000
    compression_ratio: int = 200
    """Unpacked to packed size, judged from `ratio_from_bytes` on: a small file may be repetitive."""
    ratio_from_bytes: int = 10 * MIB
    answer_bytes: int = 128 * MIB
    """The parsed text as JSON, on its way back."""


DEFAULT_LIMITS = ParseLimits()
