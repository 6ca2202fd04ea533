"""From a submission to a layer that can be run: only the week's homework files are taken."""

from __future__ import annotations

import ast
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bootcamp.course.layers import Layer, Source
from bootcamp.course.manifest import Item, Manifest, load_manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import UsageError

MAX_FILE_BYTES = 512 * 1024
"""A homework file larger than this is not read."""


@dataclass(frozen=True)
class Submission:
    """A week's homework, put together for one run."""

    week: Week
    source: Path
    """The folder that holds the student's `pipeline`."""
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
    return Submission(week, source, Layer(week, Source.SUBMISSION, target), refused)


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


def unwritten(folder: Path, manifest: Manifest, item: Item) -> str:
    """Where the scaffold's `raise NotImplementedError("5.2")` still stands: `file line n`, or "".

    Only for the card: whether the item passes is judged by what the code does.
    """
    for relative in item.files:
        try:
            tree = ast.parse((folder / relative).read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if _raises_not_implemented(node, item.id):
                return f"{relative} line {node.lineno}"  # type: ignore[attr-defined]
    return ""


def _raises_not_implemented(node: ast.AST, item_id: str) -> bool:
    match node:
        case ast.Raise(
            exc=ast.Call(func=ast.Name(id="NotImplementedError"), args=[ast.Constant(value=value)])
        ):
            return bool(value == item_id)
    return False


def folder_of(week: Week, relative: PurePosixPath) -> str:
    """How a message names a homework file."""
    return f"exercises/{week.name}/{relative}"
