"""One ordinary package out of all layers: `python -m bootcamp.authoring.merge FOLDER`. The image is built so.

The weeks are copied over one another, oldest first, so the newest wiring file stays.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from bootcamp.course.layers import WIRING_FILE
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import BootcampError
from bootcamp.files import files_in


def merge(target: Path) -> Path:
    """Copy every week's solution into `target`, which is made. Returns its `pipeline`.

    Raises:
        BootcampError: `target` is not empty, or a file other than the wiring file stands in two
            weeks: which of them counts would depend on the order.
    """
    if target.exists() and any(target.iterdir()):
        raise BootcampError(f"{target} is not empty.", "Name a new folder.")
    taken: dict[Path, str] = {}
    for week in all_weeks():
        for file in files_in(week.solutions):
            if file in taken and file != WIRING_FILE:
                raise BootcampError(f"{file} stands in {taken[file]} and in {week.name}.")
            taken[file] = week.name
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(week.solutions / file, target / file)
    return target / "pipeline"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bootcamp.authoring.merge", description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        merge(parser.parse_args().folder)
    except BootcampError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
