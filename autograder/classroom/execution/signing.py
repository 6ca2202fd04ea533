"""Sign and open messages: a program without the key can neither submit orders nor forge results.

A signed message is `SIGNATURE:TEXT`. The signature also covers the kind of the message, so that a
submission can never pass for a result. The text is JSON and is read only after its signature fits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from bootcamp.errors import UsageError

KEY_VARIABLE = "GRADING_KEY"
"""Not `BOOTCAMP_…`: those variables reach the processes of students."""
MIN_KEY_BYTES = 32
FINGERPRINT_LETTERS = 12
MAX_MESSAGE_BYTES = 64 * 1024**2
"""Of a signed message. A longer one is refused before anything reads it."""
PRIVATE = 0o077
"""Permissions of a key file that nobody but its owner may have."""
ORDER, REPORT = "order", "report"
"""Kinds of messages: from the publisher to a worker, and back."""
MAKE_KEY = (
    "Make one with `(umask 077; python -c 'import secrets; print(secrets.token_hex(32))' > grading.key)`, "
    "copy it to each worker over a secure channel, and give it with --key-file or in "
    f"{KEY_VARIABLE}."
)


class Refused(Exception):
    """A message that is not used. The text says why, in one word for the count."""


class Seal:
    """A key, and what can be done with it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.fingerprint = self._mac("fingerprint", "")[:FINGERPRINT_LETTERS]
        """Equal on two machines with the same key. It does not give the key away."""

    def sign(self, kind: str, text: str) -> bytes:
        """The message for this text.

        Raises:
            Refused: it is longer than any reader accepts.
        """
        message = f"{self._mac(kind, text)}:{text}".encode()
        if len(message) > MAX_MESSAGE_BYTES:
            raise Refused("too long")
        return message

    def open(self, kind: str, message: object) -> str:
        """The text of a message that somebody with the key has signed.

        Args:
            message: whatever the broker gave: its type, length and content may be anything.

        Raises:
            Refused: it is too long, or not signed with this key as a message of this kind.
        """
        raw = message.encode("utf-8", "replace") if isinstance(message, str) else message
        if not isinstance(raw, bytes):
            raise Refused("forged")
        if len(raw) > MAX_MESSAGE_BYTES:
            raise Refused("too long")
        signature, _, text = raw.decode("utf-8", "replace").partition(":")
        if not hmac.compare_digest(signature.encode(), self._mac(kind, text).encode()):
            raise Refused("forged")
        return text

    def _mac(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}\n{text}".encode(), hashlib.sha256).hexdigest()


def read_seal(file: Path | None) -> Seal:
    """The key from a file, else from the environment, where it is removed. There is no default key.

    Raises:
        UsageError: there is no key, it is too short, or others can read its file.
    """
    if file is None:
        key, where = os.environ.pop(KEY_VARIABLE, "").strip().encode(), f"The key in {KEY_VARIABLE}"
        if not key:
            raise UsageError("Grading over a broker needs a key, and there is none.", MAKE_KEY)
    else:
        try:
            key, mode = file.read_bytes().strip(), file.stat().st_mode
        except OSError as error:
            raise UsageError(f"The key file cannot be read: {error}.", MAKE_KEY) from None
        where = f"The key in {file}"
        if mode & PRIVATE and os.name == "posix":
            raise UsageError(f"Others can read {file}.", f"Run `chmod 600 {file}`.")
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(f"{where} is shorter than {MIN_KEY_BYTES} characters.", MAKE_KEY)
    return Seal(key)
