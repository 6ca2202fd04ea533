"""A trial with fresh eyes: grade solutions that somebody wrote from lesson and TODO alone.

    python -m autograder.validation.trials FOLDER [FOLDER ...]

Each solution is a file NAME.toml. Its blocks take the place of the reference's blocks, so all else is
right, and a lost item is lost because of this solution:

    item = "4.1"
    right = false
    story = "Writes the row again without a condition."

    [[block]]
    file = "pipeline/models/creation.py"
    number = 1              # the first block of this item in this file
    imports = "import time" # optional: lines for the top of the file
    code = '''
    return None
    '''

The last lines say how many wrong ones passed and how many right ones were refused. These are the
figures of a week's `fresh_eyes.toml`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autograder.process.fork_client import Host
from autograder.run.runner import run_week
from bootcamp.authoring.scaffold import blocks
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week
from bootcamp.errors import BootcampError, UsageError
from bootcamp.stack import Stack

FUTURE = "from __future__ import annotations\n"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewBlock(_Strict):
    """What takes the place of one block of the reference."""

    file: str
    number: int = Field(1, ge=1)
    code: str
    imports: str = ""


class Attempt(_Strict):
    """One solution of one item."""

    item: str
    right: bool
    story: str
    block: tuple[NewBlock, ...] = Field(min_length=1)

    @property
    def week(self) -> Week:
        """The week of the item."""
        return find_week(self.item.partition(".")[0])


def load(path: Path) -> Attempt:
    """Read one solution.

    Raises:
        UsageError: the file is no TOML, or a field is missing or unknown.
    """
    try:
        return Attempt.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"{path}: {error}") from error


def replace(source: str, item: str, new: NewBlock) -> str:
    """Return the source with one block of an item replaced.

    Raises:
        UsageError: the item has no such block in this file.
    """
    found = [one for one in blocks(source, Path(new.file)) if one.item == item]
    if new.number > len(found):
        raise UsageError(
            f"{new.file} has {len(found)} blocks of {item}, and no number {new.number}."
        )
    block = found[new.number - 1]
    code = textwrap.indent(textwrap.dedent(new.code).strip("\n"), block.indent)
    lines = source.splitlines(keepends=True)
    start = block.code_line - 1
    lines[start : start + len(block.code)] = [f"{code}\n"]
    text = "".join(lines)
    return text.replace(FUTURE, f"{FUTURE}\n{new.imports}\n", 1) if new.imports else text


def build(attempt: Attempt, folder: Path) -> None:
    """Copy the week's solutions into `folder`, and put the attempt's blocks in."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(attempt.week.solutions, folder, ignore=ignored, dirs_exist_ok=True)
    for new in sorted(attempt.block, key=lambda one: -one.number):
        path = folder / new.file
        source = path.read_text(encoding="utf-8")
        path.write_text(replace(source, attempt.item, new), encoding="utf-8")


def grade(paths: Sequence[Path]) -> Iterator[tuple[Path, Attempt, bool, str]]:
    """Grade each solution. Yields it with whether its item passed, and the text of the card."""
    with tempfile.TemporaryDirectory() as place, Stack() as stack:
        host_folder = Path(place, "host")
        host_folder.mkdir()
        with Host(host_folder) as host:
            host.await_ready()
            for path in paths:
                attempt, folder = load(path), Path(place, path.stem)
                build(attempt, folder)
                result = run_week(
                    attempt.week, folder, items=[attempt.item], stack=stack, host=host
                )
                one = next(one for one in result.items if one.item.id == attempt.item)
                card = one.card.text() if one.card else ""
                yield path, attempt, one.outcome is Outcome.PASSED, f"{one.outcome}\n{card}"


def compile_all(paths: Sequence[Path]) -> int:
    """Build each solution without grading it, and print what is wrong. Returns the exit code."""
    code = 0
    for path in paths:
        try:
            attempt = load(path)
            with tempfile.TemporaryDirectory() as place:
                build(attempt, Path(place))
                for new in attempt.block:
                    if new.file.endswith(".py"):
                        compile(Path(place, new.file).read_text(encoding="utf-8"), new.file, "exec")
        except (BootcampError, SyntaxError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            code = 2
    print(f"{len(paths)} solutions")
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade all solutions of the folders, and print those that surprise. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m autograder.validation.trials")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--build", action="store_true", help="only check that each one compiles")
    parser.add_argument("--cards", action="store_true", help="also show the cards of wrong ones")
    options = parser.parse_args(arguments)
    paths = sorted(path for folder in options.folders for path in folder.glob("*.toml"))
    if options.build:
        return compile_all(paths)
    tried = {True: 0, False: 0}
    surprises = {True: 0, False: 0}
    try:
        for path, attempt, passed, card in grade(paths):
            tried[attempt.right] += 1
            kind = "right" if attempt.right else "wrong"
            surprise = passed != attempt.right
            surprises[attempt.right] += surprise
            mark = "!!" if surprise else "  "
            print(f"{mark} {attempt.item} {kind} {path.stem}: {attempt.story}", flush=True)
            if (attempt.right and surprise) or (options.cards and not passed):
                print(textwrap.indent(card, "     "), flush=True)
    except BootcampError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrong: {tried[False]} tried, {surprises[False]} passed")
    print(f"right: {tried[True]} tried, {surprises[True]} refused")
    return int(any(surprises.values()))


if __name__ == "__main__":
    sys.exit(main())
