"""Messages of a class over a broker: what is signed and opened, and where the key comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.classroom.execution.signing import (
    KEY_VARIABLE,
    MAX_MESSAGE_BYTES,
    ORDER,
    REPORT,
    Refused,
    Seal,
    read_seal,
)
from bootcamp.errors import UsageError

SEAL, OTHER = Seal(b"k" * 32), Seal(b"o" * 32)


def test_only_what_was_signed_with_this_key_as_this_kind_is_opened() -> None:
    message = SEAL.sign(REPORT, '{"score": 1, "who": "Bär"}')
    assert SEAL.open(REPORT, message) == '{"score": 1, "who": "Bär"}'
    assert SEAL.open(REPORT, message.decode()) == '{"score": 1, "who": "Bär"}'
    forged = [
        message.replace(b"1", b"9", 1), message[:-1], message[64:], b"", b":", b"\xff\xfe", None, 7,
        OTHER.sign(REPORT, '{"score": 1, "who": "Bär"}'), ["a"], {"a": 1},
    ]  # fmt: skip
    for one in forged:
        with pytest.raises(Refused, match="forged"):
            SEAL.open(REPORT, one)
    with pytest.raises(Refused, match="forged"):
        SEAL.open(ORDER, message)


def test_a_message_that_is_too_long_is_neither_sent_nor_opened() -> None:
    with pytest.raises(Refused, match="too long"):
        SEAL.sign(REPORT, "a" * MAX_MESSAGE_BYTES)
    with pytest.raises(Refused, match="too long"):
        SEAL.open(REPORT, b"a" * (MAX_MESSAGE_BYTES + 1))


def test_the_key_comes_from_a_private_file_or_a_variable_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("f" * 40 + "\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="Others can read") as error:
        read_seal(file)
    assert "chmod 600" in error.value.next_step
    file.chmod(0o600)
    assert read_seal(file).fingerprint == Seal(b"f" * 40).fingerprint
    monkeypatch.setenv(KEY_VARIABLE, "v" * 40)
    assert read_seal(None).fingerprint == Seal(b"v" * 40).fingerprint
    with pytest.raises(UsageError, match="there is none") as error:  # no grading process has it
        read_seal(None)
    assert "secrets.token_hex" in error.value.next_step
    file.write_text("short")
    with pytest.raises(UsageError, match="shorter than 32"):
        read_seal(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_seal(tmp_path / "none")
