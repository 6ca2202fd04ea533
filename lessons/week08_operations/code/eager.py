"""A task that works in the test's own process, and cannot be sent."""

from celery import Celery
from kombu.exceptions import EncodeError

app = Celery(broker="memory://")


@app.task
def count_pages(numbers: set[int]) -> int:
    """Return how many pages a document has."""
    return len(numbers)


def test_in_this_process() -> None:
    """Run the task in this process. No message is made, so the arguments stay as they are."""
    assert count_pages.apply(args=[{1, 2, 3}]).get() == 3


def main() -> None:
    test_in_this_process()
    print("in the test's process: passed")
    try:
        count_pages.delay({1, 2, 3})
    except EncodeError as error:
        print(f"through a broker:      EncodeError, {error}")


if __name__ == "__main__":
    main()
