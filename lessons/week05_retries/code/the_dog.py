"""Behind one door lives a dog. No courier who rings there comes back. Three ways to count them."""

import subprocess
import sys

import dogs_courier
from dogs_courier import WAYS, book
from local import local_services

COURIERS = 6
"""So many the depot has."""


def send_all(way: str) -> str:
    """Send courier after courier, until the parcel is given up or nobody is left."""
    book().flushdb()
    for sent in range(COURIERS):
        subprocess.run([sys.executable, dogs_courier.__file__, way], check=False)
        if book().get("given up"):
            return f"given up after {sent} couriers were lost"
    return f"all {COURIERS} couriers lost, tries counted: {book().get('tries') or 0}"


def main() -> None:
    with local_services():
        for way in WAYS:
            print(f"{way + ':':<14} {send_all(way)}")


if __name__ == "__main__":
    main()
