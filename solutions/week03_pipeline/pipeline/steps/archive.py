"""Measures an archive piece by piece, before a library unpacks it as a whole. Given to students complete.

python-docx reads every member of a DOCX into memory. The sizes in the archive's table of contents were
written by a stranger. They are checked first, because that is cheap, and then the real sizes are measured.
"""

from __future__ import annotations

import copy
import zipfile
from typing import BinaryIO

from pipeline.steps.errors import DocumentTooLarge
from pipeline.steps.limits import ParseLimits

PIECE_BYTES = 64 * 1024
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compression methods that Office files use."""


def check_archive(stream: BinaryIO, limits: ParseLimits) -> None:
    """Reject an archive that would unpack to too much. The stream is at its start afterwards.

    Raises:
        DocumentTooLarge: it has too many members or too many bytes, or its compression ratio is too high.
        zipfile.BadZipFile: it is not an archive, or a member is damaged.
    """
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > limits.archive_members:
            raise DocumentTooLarge(f"The file holds {len(members)} parts.")
        _check_size(sum(member.file_size for member in members), members, limits)
        measured = 0
        for member in members:
            measured += _measure(archive, member, limits.unpacked_bytes - measured)
            _check_size(measured, members, limits)
    stream.seek(0)


def _check_size(unpacked: int, members: list[zipfile.ZipInfo], limits: ParseLimits) -> None:
    packed = sum(member.compress_size for member in members)
    if unpacked > limits.unpacked_bytes:
        raise DocumentTooLarge(f"The file unpacks to more than {limits.unpacked_bytes} bytes.")
    if unpacked > max(limits.compression_ratio * packed, limits.ratio_from_bytes):
        raise DocumentTooLarge(
            f"The file unpacks to more than {limits.compression_ratio} times its size."
        )


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> int:
    """Count the bytes that the member really has. Stops soon after `most` bytes."""
    if member.compress_type not in METHODS:
        raise zipfile.BadZipFile("an unusual compression method")
    # `zipfile` stops reading at the declared size, so declare more than is allowed.
    trial = copy.copy(member)
    trial.file_size = most + 1
    size = 0
    with archive.open(trial) as part:
        while size <= most and (piece := part.read(PIECE_BYTES)):
            size += len(piece)
    return size
