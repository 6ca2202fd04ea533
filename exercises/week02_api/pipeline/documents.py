"""A reference to a document: what travels through the queue in place of its content.

Given to students complete. Messages stay small because content stays in the blob store; see the
lesson "Redis as broker and result store".
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.owners import current_owner

UPLOAD_PREFIX = "uploads"
MAX_NAME_LENGTH = 120
"""Characters of a file name that are kept for display."""
MAX_SUFFIX_LENGTH = 16
FALLBACK_NAME = "document"

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN = "text/markdown"
TEXT = "text/plain"
CONTENT_TYPES = (PDF, DOCX, MARKDOWN, TEXT)


class DocumentRef(BaseModel):
    """Names one document. `document_id` is also the id of its task."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    blob_key: str
    """Where the content is: `uploads/<sha256>`, so the same bytes are one blob."""
    filename: str
    """For display only, cleaned by `display_name`. It never becomes a path."""
    content_type: str
    """One of `CONTENT_TYPES`, judged by content."""
    owner: str = Field(default_factory=current_owner, exclude=True)
    """Whom the document belongs to: the owner of the request that uploads it. It is in messages, and
    never in an answer to a client. A message without it, sent by an older version, means `PUBLIC`."""

    def as_message(self) -> dict[str, Any]:
        """The reference as JSON-able task argument. `DocumentRef(**message)` reads it back."""
        return {**self.model_dump(mode="json"), "owner": self.owner}


def upload_key(sha256: str) -> str:
    """The blob key of an uploaded file: its content's SHA-256 (hex), never its name."""
    return f"{UPLOAD_PREFIX}/{sha256}"


def display_name(raw: str) -> str:
    """A file name that can be shown: no folders, no invisible characters, at most 120 characters.

    Removes what is not a visible character (Unicode categories C*, Zl and Zp): control characters,
    zero-width ones, and the direction overrides that make `exe.fdp` read as `pdf.exe`. Markup such
    as `<b>` stays: whoever shows the name escapes it.
    """
    last = raw.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", last)
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    name = " ".join(visible.split()).strip(". ")
    if len(name) > MAX_NAME_LENGTH:
        suffix = PurePosixPath(name).suffix
        suffix = suffix if len(suffix) <= MAX_SUFFIX_LENGTH else ""
        name = name[: MAX_NAME_LENGTH - len(suffix)].rstrip(". ") + suffix
    return name or FALLBACK_NAME
