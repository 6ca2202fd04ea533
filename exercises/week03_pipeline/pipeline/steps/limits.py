"""The limits on what one document may use of this machine. Given to students complete.

This module imports only the standard library, because the child process that parses imports it too, and a
child starts for every document.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class ParseLimits:
    """The limits for one document.

    A file that exceeds them fails with `DocumentTooLarge` or `DocumentTooSlow`, and the worker continues
    with the next document.
    """

    memory_bytes: int = 1024 * MIB
    """The address space of the process that parses, libraries included."""
    cpu_seconds: int = 120
    wall_seconds: int = 180
    """The whole time. It is longer than the processor time, because the machine has other work too."""
    pages: int = 5_000
    characters: int = 10_000_000
    document_bytes: int = 200 * MIB
    """The size of the uploaded file. The API has a lower limit; this one is for files from other sources."""
    unpacked_bytes: int = 200 * MIB
    """The unpacked size of all members of an archive. A DOCX is an archive."""
    archive_members: int = 5_000
    compression_ratio: int = 200
    """Unpacked size divided by packed size. It is checked from `ratio_from_bytes` on, because a small file
    may be repetitive."""
    ratio_from_bytes: int = 10 * MIB
    answer_bytes: int = 128 * MIB
    """The size of the parsed text, as the JSON that the child process returns."""


DEFAULT_LIMITS = ParseLimits()
