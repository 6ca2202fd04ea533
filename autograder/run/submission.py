"""From a submission to a layer that can be run: only the week's homework files are taken."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from autograder.card import clean
from bootcamp.authoring.scaffold import STYLES
from bootcamp.course.layers import Layer, Source
from bootcamp.course.manifest import Item, load_manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError
from bootcamp.files import files_in

MAX_FILE_BYTES = 512 * 1024
"""A homework file larger than this is not read."""


NEVER_HELP = frozenset({"conftest.py", "sitecustomize.py", "usercustomize.py"})
"""Not for homework: they change how Python and pytest run."""
MAX_NAMES, MAX_NAME = 5, 120
"""Helpers that are named, and characters of each."""
SOURCES = frozenset({".py", ".sql", ".html", ".css", ".js", ".json", ".toml"})
"""What code is written in, and what it reads."""


@dataclass(frozen=True)
class Submission:
    """A week's homework, put together for one run."""

    layer: Layer
    """The given files of the week with the student's files among them, in a folder of the run."""
    refused: dict[PurePosixPath, str]
    """Homework files that could not be taken, and why."""


def locate(week: Week, place: str | Path | None) -> Path:
    """The folder that holds the week's `pipeline`: in the exercises, the solutions or elsewhere.

    `place` is `None` or "exercises", "solutions", or a folder: the week's own, one that holds the
    week's, or a checkout of the whole course.

    Raises:
        UsageError: nothing of this week is there.
    """
    if place is None or str(place) == "exercises":
        return week.exercises
    if str(place) == "solutions":
        return week.solutions
    folder = Path(place).expanduser().resolve()
    for candidate in (folder, folder / week.name, folder / "exercises" / week.name):
        if (candidate / "pipeline").is_dir():
            return candidate
    raise UsageError(
        f"There is no homework of {week} in {place}.",
        f"The folder must hold `pipeline/`, `{week.name}/pipeline/` or a checkout of the course.",
    )


def assemble(week: Week, source: Path, target: Path) -> Submission:
    """Copy the given files of the week and the submission's homework files into `target`.

    Links, other files and oversized files are not taken: a student's change to a given file has
    no effect here, and nothing but the homework can be shipped.
    """
    manifest = load_manifest(week)
    homework = set(manifest.files)
    for path in sorted(week.solutions.rglob("*")):
        relative = PurePosixPath(path.relative_to(week.solutions).as_posix())
        if path.is_file() and relative not in homework and "__pycache__" not in relative.parts:
            _copy(path, target / relative)
    refused = {}
    for relative in manifest.files:
        if problem := _take(source, relative, target):
            refused[relative] = problem
    return Submission(Layer(week, Source.SUBMISSION, target), refused)


def _take(source: Path, relative: PurePosixPath, target: Path) -> str:
    """Copy one homework file. Returns why not, or nothing."""
    path = source / relative
    steps = [source.joinpath(*relative.parts[: n + 1]) for n in range(len(relative.parts))]
    if any(step.is_symlink() for step in steps):
        return "is a link, not a file"
    if not path.is_file():
        return "is missing"
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return f"is larger than {MAX_FILE_BYTES // 1024} KiB"
        _copy(path, target / relative)
    except OSError:
        return "cannot be read"
    return ""


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    target.chmod(0o644)


def unwritten(folder: Path, item: Item) -> str:
    """Where the scaffold's stub of an item still stands, as `file line n`, or "".

    Only for the card: whether the item passes is judged by what the code does.
    """
    for relative in item.files:
        style = STYLES.get(PurePosixPath(relative).suffix)
        stub = style.stub.format(item=item.id).rstrip(";") if style else ""
        try:
            lines = (folder / relative).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            continue
        for number, line in enumerate(lines, 1):
            if stub and line.strip().replace("'", '"').startswith(stub):
                return f"{relative} line {number}"
    return ""


def helpers(
    week: Week, files: Iterable[PurePosixPath], homework: Mapping[PurePosixPath, bytes]
) -> tuple[PurePosixPath, ...]:
    """Files that a student has added and the homework may need: they are not taken along.

    Args:
        files: all of the submission, relative to the week's folder.
        homework: the contents of the homework files.
    """
    handed_out = {PurePosixPath(path.as_posix()) for path in files_in(week.solutions)}
    handed_out |= set(load_manifest(week).files)
    imported = {name for content in homework.values() for name in _imports(content)}

    def may_be_needed(path: PurePosixPath) -> bool:
        top = path.parts[0].removesuffix(".py")
        if path.suffix not in SOURCES or path.name in NEVER_HELP:
            return False
        return top == "pipeline" or (top in imported and find_spec(top) is None)

    return tuple(sorted(one for one in files if one not in handed_out and may_be_needed(one)))


def own_helpers(week: Week, source: Path) -> tuple[PurePosixPath, ...]:
    """The same for the folder that holds the student's `pipeline`."""
    files = [PurePosixPath(path.as_posix()) for path in files_in(source)]
    named = (path for path in load_manifest(week).files if (source / path).is_file())
    contents = {path: (source / path).read_bytes()[:MAX_FILE_BYTES] for path in named}
    return helpers(week, files, contents)


def helpers_text(found: Sequence[PurePosixPath]) -> str:
    """What a student is told of helpers, before anything is graded; "" without any."""
    names = ", ".join(clean(str(path), limit=MAX_NAME) for path in found[:MAX_NAMES])
    return f"Only the homework files are taken: move {names} into them." if found else ""


def _imports(content: bytes) -> Iterator[str]:
    """The first parts of all names that a module imports."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # Python cannot read it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def folder_of(week: Week, relative: PurePosixPath) -> str:
    """How a message names a homework file."""
    return f"exercises/{week.name}/{relative}"
