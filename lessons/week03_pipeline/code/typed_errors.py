"""Cover sheets of reports, as JSON from clients: many errors of libraries become two of our own."""

import json
from collections.abc import Callable

CoverSheet = dict[str, float]


class SheetError(Exception):
    """The bytes are at fault, so they fail again at every attempt."""


class EmptySheet(SheetError):
    """The sheet has no entry."""


class DamagedSheet(SheetError):
    """The sheet cannot be read, for any other reason."""


def trusting(data: bytes) -> CoverSheet:
    """Return how many pages each part of the report has."""
    return {name: float(count) for name, count in json.loads(data).items()}


def careful(data: bytes) -> CoverSheet:
    """Return how many pages each part of the report has.

    Raises:
        EmptySheet, DamagedSheet: the bytes are at fault.
        MemoryError: this machine is at fault.
    """
    try:
        sheet = trusting(data)
        if not sheet:
            raise EmptySheet
    except (SheetError, MemoryError):
        raise
    except Exception as error:
        raise DamagedSheet from error
    return sheet


BYTES = {
    "good": b'{"report": 12, "photos": 7}',
    "cut off": b'{"report": 12, "ph',
    "not UTF-8": b'{"r\xe9sum\xe9": 2}',
    "a list": b"[12, 7]",
    "a word": b'{"report": "some"}',
    "nested": b"[" * 100_000,
    "nothing": b"{}",
}


def name_of_error(call: Callable[[bytes], CoverSheet], data: bytes) -> str:
    try:
        call(data)
    except Exception as error:
        return type(error).__name__
    return "fine"


def main() -> None:
    for name, data in BYTES.items():
        ours = name_of_error(careful, data)
        print(f"{name + ':':<11}{name_of_error(trusting, data)} -> {ours}")


if __name__ == "__main__":
    main()
