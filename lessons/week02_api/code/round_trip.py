"""What the arguments and results of a task have become on the other side of the queue."""

from datetime import UTC, datetime
from pathlib import PurePosixPath

from kombu.serialization import dumps, loads

VALUES = [
    {"photo": "beach.png", "copies": 2},
    (10, 15),
    {1: "front", 2: "back"},
    datetime(2030, 5, 1, 12, tzinfo=UTC),
    b"\x89PNG",
    {"matt"},
    PurePosixPath("beach.png"),
]


def other_side(value: object) -> str:
    """Send a value as Celery does, and tell what arrives."""
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
