"""Looks at an archive's table of contents before anything is unpacked. Given.

python-docx reads the members of a DOCX without a bound. The declared sizes can be trusted as a
bound, because `zipfile` never hands out more than a member declares: a lie is a checksum error.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from pipeline.steps.errors import DocumentTooLarge
from pipeline.steps.limits import ParseLimits


def check_archive(stream: BinaryIO, limits: ParseLimits) -> None:
    """Refuse an archive that would unpack to too much. Leaves the stream at its start.

    Raises:
        DocumentTooLarge: too many members, too many bytes, or a compression ratio nobody needs.
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if len(members) > limits.archive_members:
        raise DocumentTooLarge(f"The file holds {len(members)} parts.")
    if unpacked > limits.unpacked_bytes:
        raise DocumentTooLarge(f"The file would unpack to {unpacked} bytes.")
    if unpacked > max(limits.compression_ratio * packed, limits.ratio_from_bytes):
        raise DocumentTooLarge(f"The file would unpack to {unpacked // packed} times its size.")
    stream.seek(0)
