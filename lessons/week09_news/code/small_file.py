"""A small response that becomes large. Which of its sizes does a limit look at?"""

import gzip
import io

LIMIT = 5_000_000
ONE_MEGABYTE = b" " * 1_000_000


def bomb(megabytes: int) -> bytes:
    """Return compressed spaces, so many megabytes when they are decompressed."""
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb") as file:
        for _ in range(megabytes):
            file.write(ONE_MEGABYTE)
    return target.getvalue()


def main() -> None:
    data = bomb(100)
    says = "accepted" if len(data) <= LIMIT else "refused"
    print(f"on the wire:        {len(data):>11,} bytes: {says}")
    print(f"after gunzip:       {len(gzip.decompress(data)):>11,} bytes in memory")


if __name__ == "__main__":
    main()
