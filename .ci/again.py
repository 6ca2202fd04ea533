"""Run the tests that failed once more, one by one. Those that pass now are flakes: list and count them.

    .venv/bin/python .ci/again.py

Tests run side by side on two busy cores. What is broken fails again. What only ran out of time
passes, and is listed on the page and in `.bootcamp/flakes.txt`. More flakes than `MOST` fail the run:
then the tests say too little.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MOST = 2
FAILED = Path(".pytest_cache/v/cache/lastfailed")
LIST = Path(".bootcamp/flakes.txt")


def main() -> int:
    """Returns the exit code of this part of CI."""
    try:
        failed = list(json.loads(FAILED.read_text(encoding="utf-8")))
    except FileNotFoundError:
        failed = []
    if not failed:
        print("No test failed, and yet the tests did not pass: see above.")
        return 1
    print(f"Again, one by one: {len(failed)} of the tests.", flush=True)
    # `--all-validation` makes all trials known, and leaves out every other test by itself.
    known = ["--all-validation", "--leave-nothing-out"]
    options = known if Path("tests/validation").is_dir() else []
    code = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *failed], check=False
    ).returncode
    if code:
        return code
    LIST.parent.mkdir(exist_ok=True)
    LIST.write_text("\n".join(failed) + "\n", encoding="utf-8")
    print(f"Flakes: {len(failed)}, at most {MOST} are accepted.", *failed, sep="\n  ")
    return int(len(failed) > MOST)


if __name__ == "__main__":
    sys.exit(main())
