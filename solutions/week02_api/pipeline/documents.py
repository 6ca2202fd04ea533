"""References to documents, which messages contain instead of the content. Given to students complete.

The content stays in the blob store, so messages stay small. The lesson "Redis as broker and result
store" measures the difference.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.owners import current_owner

UPLOAD_PREFIX = "uploads"
MAX_NAME_LENGTH = 120
"""The longest file name that is kept for display, in characters."""
MAX_SUFFIX_LENGTH = 16
FALLBACK_NAME = "document"

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MARKDOWN = "text/markdown"
TEXT = "text/plain"
CONTENT_TYPES = (PDF, DOCX, MARKDOWN, TEXT)


class DocumentRef(BaseModel):
    """A reference to one document. Its `document_id` is also the id of its task."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    blob_key: str
    """The key of the content in the blob store, `uploads/<sha256>`. Equal contents share one blob."""
    filename: str
    """The name to show, cleaned by `display_name`. It is never used as a path."""
    content_type: str
    """One of `CONTENT_TYPES`, determined from the content."""
    owner: str = Field(default_factory=current_owner, exclude=True)
    """The owner of the request that uploads the document. Messages contain it, responses to clients never
    do. A message from an older version does not have it, and then the owner is `PUBLIC`."""
    urgent: bool = Field(default=False, exclude=True)
    """Whether the document overtakes others. Only week 8 sets it. Responses to clients never contain it."""

    def as_message(self) -> dict[str, Any]:
        """Return the reference as a task argument, a dict. `DocumentRef(**message)` reads it back."""
        more: dict[str, Any] = {"urgent": True} if self.urgent else {}
        return {**self.model_dump(mode="json"), "owner": self.owner, **more}


def upload_key(sha256: str) -> str:
    """Return the blob key of an uploaded file: `uploads/` and the SHA-256 of its content, in hex."""
    return f"{UPLOAD_PREFIX}/{sha256}"


def display_name(raw: str) -> str:
    """Make a client's file name safe to show: no folders, no invisible characters, not too long.

    Removes characters that are not visible (Unicode categories C*, Zl and Zp): control characters,
    zero-width characters, and the direction overrides that make `exe.fdp` read as `pdf.exe`. Markup
    such as `<b>` stays, because the page that shows the name escapes it.

    Args:
        raw: the name as the client sent it.

    Returns:
        A name of 1 to 120 characters. It is "document" if no visible character is left.
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
