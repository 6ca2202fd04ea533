"""Behind one door lives a dog. No courier who rings there comes back. Three ways to count them."""

import subprocess
import sys
import tempfile
from pathlib import Path

import dogs_courier

COURIERS = 6
"""So many the depot has."""


def send_all(way: str, book: Path) -> str:
    """Send courier after courier, until the parcel is given up or nobody is left."""
    book.write_text("")
    courier = [sys.executable, dogs_courier.__file__, way, str(book)]
    for sent in range(COURIERS):
        done = subprocess.run(courier, stderr=subprocess.PIPE, text=True, check=False)
        if "given up" in done.stderr:
            return f"given up after {sent} couriers were lost"
    return f"all {COURIERS} couriers lost, tries counted: {len(book.read_text())}"


def main() -> None:
    with tempfile.TemporaryDirectory() as depot:
        for way in dogs_courier.WAYS:
            print(f"{way + ':':<14} {send_all(way, Path(depot) / 'book')}")


if __name__ == "__main__":
    main()
