"""A reader loses its connection for two changes, and connects again: without and with ids."""

from collections.abc import Iterator

import httpx
import sse_board
from browser import serving, until


class Reader:
    """Reads a stream like a browser: it keeps the last id, and sends it when it connects again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[str] = []
        self.last_id: str | None = None

    def read(self, count: int) -> Iterator[None]:
        """Connect, and read until `count` more reports have come. Yields once connected."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with httpx.stream("GET", self.url, headers=headers, timeout=5, trust_env=False) as answer:
            yield
            for line in answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "data":
                    self.got.append(value.strip('"'))
                elif field == "id":
                    self.last_id = value
                elif not line and (count := count - 1) == 0:
                    return


def watch(url: str, missed: int) -> list[str]:
    """Read two changes, miss the next two, and read the last two, and with ids also the missed ones."""
    sse_board.happened = 0
    reader = Reader(url)
    for _ in reader.read(2):
        sse_board.happened = 2
    sse_board.happened = 4  # the connection is lost here
    for _ in reader.read(2 + missed):
        sse_board.happened = 6
    return reader.got


def main() -> None:
    with serving(sse_board.app) as address:
        until(lambda: httpx.get(f"{address}/openapi.json").is_success)
        for path, missed in (("without-ids", 0), ("with-ids", 2)):
            got = watch(f"{address}/{path}", missed)
            print(f"{path}: {len(got)} of {len(sse_board.CHANGES)} changes")
            print("  missed:", ", ".join(one for one in sse_board.CHANGES if one not in got) or "-")


if __name__ == "__main__":
    main()
