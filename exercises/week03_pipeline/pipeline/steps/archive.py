"""Unpacks an archive on trial, a piece at a time, before a library does it whole. Given.

python-docx reads every member of a DOCX into memory. What the archive's table of contents says
about sizes is a claim of a stranger: it is checked first, because that is cheap, and then measured.
"""

from __future__ import annotations

import copy
import zipfile
from typing import BinaryIO

from pipeline.steps.errors import DocumentTooLarge
from pipeline.steps.limits import ParseLimits

PIECE_BYTES = 64 * 1024
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What an Office file may be packed with."""


def check_archive(stream: BinaryIO, limits: ParseLimits) -> None:
    """Refuse an archive that would unpack to too much. Leaves the stream at its start.

    Raises:
        DocumentTooLarge: too many members, too many bytes, or a compression ratio nobody needs.
        zipfile.BadZipFile: it is no archive, or one that lies.
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
    """How many bytes the member really has; stops soon after `most`."""
    if member.compress_type not in METHODS:
        raise zipfile.BadZipFile("an unusual compression method")
    # `zipfile` stops at the declared size, so declare more than is allowed.
    trial = copy.copy(member)
    trial.file_size = most + 1
    size = 0
    with archive.open(trial) as part:
        while size <= most and (piece := part.read(PIECE_BYTES)):
            size += len(piece)
    return size
