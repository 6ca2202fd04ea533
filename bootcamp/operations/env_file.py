"""Makes and checks the file of secrets: `python -m bootcamp.operations.env_file .env.example .env`."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

PLACEHOLDER = "generate-me"
SECRET_BYTES = 24
OTHERS = 0o077
NAME = re.compile(r"^(\w+)=", re.MULTILINE)


def make(example: Path, target: Path) -> None:
    """Write `target` with a fresh secret for each placeholder. Only its owner can read it.

    Raises:
        FileExistsError: there is such a file.
    """
    text = example.read_text(encoding="utf-8")
    filled = re.sub(
        rf"(?<==){PLACEHOLDER}$",
        lambda _: secrets.token_hex(SECRET_BYTES),
        text,
        flags=re.MULTILINE,
    )
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled)


def problems(example: Path, target: Path) -> list[str]:
    """Return what is wrong with the file, one sentence for each setting. Empty: nothing is."""
    text = target.read_text(encoding="utf-8")
    values = dict(line.split("=", 1) for line in text.splitlines() if NAME.match(line))
    found = []
    if target.stat().st_mode & OTHERS:
        found.append(f"Others can read it. Run: chmod 600 {target}")
    for name in NAME.findall(example.read_text(encoding="utf-8")):
        value = values.get(name, "").strip("\"' ")
        if not value:
            found.append(f"{name} is missing.")
        elif value == PLACEHOLDER:
            found.append(f"{name} still has the value of the example, which everybody knows.")
    return found


def main() -> None:
    """Make the file if there is none, and refuse a file with missing or well-known secrets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("example", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    if not asked.target.exists():
        make(asked.example, asked.target)
        print(f"Made {asked.target} with new secrets. Keep it: the stored data needs them.")
    if found := problems(asked.example, asked.target):
        sys.exit("\n".join([f"{asked.target}:", *found, f"{asked.example} says how to make one."]))


if __name__ == "__main__":
    main()
