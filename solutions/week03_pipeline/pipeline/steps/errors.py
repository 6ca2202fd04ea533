"""The errors of the steps: what can be wrong with a document, and which services can fail.

Given to students complete. A `DocumentError` is permanent, because the same file fails again. Its message
is shown to the person who uploaded the file, so it contains nothing of the file's content.
"""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class DocumentError(PermanentError):
    """This document cannot be processed, now or later."""


class UnsupportedDocument(DocumentError):
    http_status = 415
    default_message = "There is no parser for this kind of file."


class EmptyDocument(DocumentError):
    default_message = "The file is empty."


class NoTextInDocument(DocumentError):
    default_message = "The file has no text. Text in pictures, as in a scan, is not read."


class EncryptedDocument(DocumentError):
    default_message = "The file is protected by a password. Remove it and send the file again."


class DamagedDocument(DocumentError):
    default_message = "The file is damaged, or is not what its type says."


class DocumentTooLarge(DocumentError):
    """It has more pages, characters, unpacked bytes or memory than `ParseLimits` allows."""

    http_status = 413
    default_message = "The document is too large."


class DocumentTooSlow(DocumentError):
    """Parsing it takes more seconds than `ParseLimits` allows."""

    default_message = "Reading the document takes too long."


class ParserDied(DocumentError):
    """The process that parsed the file ended without an answer."""

    default_message = "The file made the parser crash."


class TextTooLong(DocumentError):
    default_message = "A text is longer than the embedding model takes."


class WrongModel(PermanentError):
    """The model's vectors have another length than those of the index. A retry cannot help."""

    default_message = "The embedding model does not fit the index."


class BadEmbeddings(TransientError):
    """The provider's answer does not fit the request. A retry may help."""

    default_message = "The embedding service gave an answer that makes no sense."


class ParserUnavailable(TransientError):
    default_message = "This machine cannot start a parser now."


class SearchUnavailable(TransientError):
    default_message = "The search is not available. Try again in a few seconds."
