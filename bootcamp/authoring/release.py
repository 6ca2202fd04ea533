"""The student edition: a git repository with the weeks so far, and the solutions of the closed ones.

In an open week, `solutions/weekNN` holds what the students were handed, and `OPEN.md`. So the check
finds the given files where it always does, and nobody finds an answer. Graders come along without
their wrong and unlike solutions, in which pieces of the answer stand.

Running it again brings the same repository further by a commit; students pull.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootcamp import paths
from bootcamp.authoring.edition_pages import check_pages
from bootcamp.authoring.generate import scaffolds
from bootcamp.authoring.regions import without_marks
from bootcamp.course import packed_hints
from bootcamp.course.weeks import OPEN_FILE, Week, all_weeks
from bootcamp.errors import BootcampError, UsageError
from bootcamp.files import write_atomic

TEMPLATES = Path(__file__).with_name("student_edition")
OPERATIONS = 8
"""The week that needs the folder `ops`, and reads the compose file."""
COMPOSE_FILE = "docker-compose.yml"
EDITION_FILE = ".edition.json"
"""Marks the repository as ours, and says which weeks it has."""
WHOLE = (
    "bootcamp",
    *(f"autograder/{room}" for room in ("classroom", "process", "run", "sandbox", "sdk")),
)
FILES = (
    ".devcontainer/Dockerfile",
    ".devcontainer/devcontainer.json",
    ".gitattributes",
    ".gitignore",
    ".vscode/extensions.json",
    ".vscode/settings.json",
    "LICENSE",
    "autograder/__init__.py",
    "autograder/card.py",
    "autograder/conftest.py",
    "autograder/pytest.ini",
    "docs/devcontainer.md",
    "docs/faq.md",
    "docs/glossary.md",
    "docs/macos.md",
    "docs/windows.md",
    "lessons/LICENSE.md",
    "pyproject.toml",
    "pyrightconfig.json",
    "requirements.lock",
)
HIDDEN = ("wrong", "unlike", "fresh_eyes.toml", "equivalents.toml", packed_hints.PAGES)
"""Parts of a week's graders that show pieces of solutions, or are for maintainers. Hints come packed."""
HIDDEN_TESTS = "_hidden.py"
"""Files with tests of checks that are hidden until after the deadline end so."""
GIT_SECONDS = 120.0
SECTION = re.compile(r"(?=^## )", re.MULTILINE)
WEEK_SECTION = re.compile(r"## Week (\d+)")
HOMEWORK_PAGE = re.compile(r"exercises/[^/]+/README\.md")


@dataclass(frozen=True)
class Released:
    """What a release did."""

    weeks: tuple[Week, ...]
    closed: tuple[Week, ...]
    files: int
    commit: str
    """The commit's id; empty if nothing had changed."""


def release(through: Week, closed: Week | None, out: Path) -> Released:
    """Write the weeks up to `through`, with the solutions up to `closed`, and commit them.

    Raises:
        UsageError: `closed` is after `through`, or `out` holds something else, or changes that
            nobody has committed.
        BootcampError: git or nbgrader failed; says how.
    """
    weeks = tuple(week for week in all_weeks() if week <= through)
    solved = tuple(week for week in weeks if closed is not None and week <= closed)
    if closed is not None and closed > through:
        raise UsageError(f"{closed} cannot be closed before it is released: --through")
    _look_at(out)
    wanted = dict(_files(weeks, solved))
    check_pages(wanted)
    if not (out / ".git").exists():
        out.mkdir(parents=True, exist_ok=True)
        _git(out, "init", "--quiet", "--initial-branch", "main")
    for file in _git(out, "ls-files", "-z").split("\0"):
        if file and file not in wanted:
            (out / file).unlink(missing_ok=True)
    for file, content in wanted.items():
        write_atomic(out / file, content)
    _git(out, "add", "--all", "--force", "--", *wanted)
    _git(out, "add", "--update")
    commit = ""
    if _git(out, "status", "--porcelain"):
        _git(out, *_identity(out), "commit", "--quiet", "-m", _title(weeks, solved))
        commit = _git(out, "rev-parse", "--short", "HEAD").strip()
    return Released(weeks, solved, len(wanted), commit)


def _look_at(out: Path) -> None:
    """Raise UsageError where a release would destroy something."""
    if out.exists() and any(out.iterdir()):
        if not (out / EDITION_FILE).is_file() or not (out / ".git").is_dir():
            raise UsageError(
                f"{out} holds something that is no student edition.",
                "Give a folder that is new or empty, or the one of the last release.",
            )
        if _git(out, "status", "--porcelain"):
            raise UsageError(
                f"{out} has changes that are not committed.",
                f"Look at them: git -C {out} status",
            )


def _files(weeks: tuple[Week, ...], solved: tuple[Week, ...]) -> Iterator[tuple[str, bytes]]:
    """Every file of the edition and its content."""
    tracked = [file for file in _git(paths.ROOT, "ls-files", "-z").split("\0") if file]
    for file in tracked:
        if _belongs(file, weeks, solved):
            content = (paths.ROOT / file).read_bytes()
            yield file, _without_marks(content) if HOMEWORK_PAGE.fullmatch(file) else content
    for week in weeks:
        if (week.grader / "manifest.toml").is_file():
            yield f"autograder/{week}/{packed_hints.FILE}", packed_hints.packed_pages(week)
        if week not in solved:
            yield f"solutions/{week}/{OPEN_FILE}", (TEMPLATES / OPEN_FILE).read_bytes()
            for path, content in scaffolds(week).items():
                yield f"solutions/{week}/{path.as_posix()}", content
    yield "lessons/README.md", _index(weeks).encode()
    yield "README.md", _readme(weeks, solved).encode()
    yield "AGENTS.md", (TEMPLATES / "AGENTS.md").read_bytes()
    yield "Makefile", (TEMPLATES / "Makefile").read_bytes()
    names = {"weeks": [week.name for week in weeks], "closed": [week.name for week in solved]}
    yield EDITION_FILE, (json.dumps(names, indent=1) + "\n").encode()
    yield from _notebooks(weeks)


def _belongs(file: str, weeks: tuple[Week, ...], solved: tuple[Week, ...]) -> bool:
    parts = Path(file).parts
    if file in FILES or any(file.startswith(f"{folder}/") for folder in WHOLE):
        return True
    names, closed = {week.name for week in weeks}, {week.name for week in solved}
    if parts[0] in ("lessons", "exercises"):
        return parts[1] in names
    if parts[0] == "solutions":
        return parts[1] in closed
    if parts[0] == "ops" or file == COMPOSE_FILE:
        return any(week.number >= OPERATIONS for week in weeks)
    if parts[0] == "autograder":
        hidden = parts[2] in HIDDEN or parts[2].endswith(HIDDEN_TESTS)
        return parts[1] in names and not hidden
    return parts[:2] == ("notebooks", "live") and Path(file).stem in closed


def _index(weeks: tuple[Week, ...]) -> str:
    """The lessons' page without the weeks to come, and without the part for authors."""
    known = {week.number for week in weeks}
    text = (paths.LESSONS / "README.md").read_text(encoding="utf-8")
    return "".join(
        section
        for section in SECTION.split(without_marks(text))
        if not section.startswith("## ")
        or ((found := WEEK_SECTION.match(section)) and int(found[1]) in known)
    )


def _without_marks(page: bytes) -> bytes:
    return without_marks(page.decode()).encode()


def _readme(weeks: tuple[Week, ...], solved: tuple[Week, ...]) -> str:
    through, opened = weeks[-1].number, [week for week in weeks if week not in solved]
    if not opened:
        state = "All of them are closed: their solutions are in `solutions/`."
    else:
        names = " and ".join(f"week {week.number}" for week in opened)
        state = f"Open: {names}. The solutions of closed weeks are in `solutions/`."
    text = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = {"{through}": str(through), "{state}": state, "{version}": project["version"]}
    for mark, value in said.items():
        text = text.replace(mark, value)
    return text


def _notebooks(weeks: tuple[Week, ...]) -> Iterator[tuple[str, bytes]]:
    """The graded notebooks as nbgrader hands them out: without solutions and hidden tests."""
    from nbgrader.apps.api import NbGraderAPI  # a second that no other command needs
    from traitlets.config import Config

    # nbgrader calls `alembic` by name when it makes the gradebook: it stands next to this Python.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        config = Config()
        config.CourseDirectory.root = folder
        config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        for week in weeks:
            if not week.graded_notebook.is_file():
                continue
            source = Path(folder) / "source" / week.name / "check.ipynb"
            source.parent.mkdir(parents=True)
            source.write_bytes(week.graded_notebook.read_bytes())
            done = NbGraderAPI(config=config).generate_assignment(week.name)
            if not done["success"]:
                said = str(done.get("error") or done.get("log"))[-1000:]
                raise BootcampError(f"nbgrader cannot hand out the notebook of {week}.", said)
            made = Path(folder) / "release" / week.name / "check.ipynb"
            yield f"notebooks/{week.name}/check.ipynb", made.read_bytes()


def _title(weeks: tuple[Week, ...], solved: tuple[Week, ...]) -> str:
    closed = f"solutions through {solved[-1].number}" if solved else "no solutions yet"
    return f"Weeks 1 to {weeks[-1].number}, {closed}"


def _identity(out: Path) -> tuple[str, ...]:
    """Options that name an author, where git knows none."""
    known = subprocess.run(
        ["git", "-C", str(out), "var", "GIT_AUTHOR_IDENT"], capture_output=True, check=False
    )
    if known.returncode == 0:
        return ()
    return ("-c", "user.name=Course", "-c", "user.email=course@localhost")


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BootcampError(f"git did not run in {folder}: {error}", "Install git.") from error
    if done.returncode != 0:
        raise BootcampError(f"git {words[0]} failed in {folder}:\n{done.stderr.strip()}")
    return done.stdout
