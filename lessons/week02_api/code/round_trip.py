"""What becomes of arguments and results on their way through a queue."""

from datetime import UTC, datetime
from pathlib import PurePosixPath

from kombu.serialization import dumps, loads

VALUES = [
    {"document": "lease.pdf", "copies": 2},
    (210, 297),
    {1: "front", 2: "back"},
    datetime(2030, 5, 1, 12, tzinfo=UTC),
    b"%PDF",
    {"duplex"},
    PurePosixPath("lease.pdf"),
]


def other_side(value: object) -> str:
    """Serialize a value as Celery does, and return what arrives."""
    try:
        content_type, encoding, text = dumps(value, serializer="json")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return repr(loads(text, content_type, encoding, accept=["application/json"]))


def main() -> None:
    for value in VALUES:
        print(f"{value!r}\n    -> {other_side(value)}")


if __name__ == "__main__":
    main()
