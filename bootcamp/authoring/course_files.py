"""Files of the whole course that are generated from its weeks: tables, lists and search paths.

`wanted()` gives the text that each must have. Files with text of people have marked regions
(`regions.py`); a new week changes none of them by hand.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from bootcamp import paths
from bootcamp.authoring import misconceptions
from bootcamp.authoring.lesson_pages import lesson_pages
from bootcamp.authoring.regions import fill
from bootcamp.course.manifest import load_manifest
from bootcamp.course.week_file import load_week_file
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.files import files_in

REQUIREMENT = re.compile(r"[\w.-]+(?:\[[\w,.-]+\])?")
OURSELVES = re.compile(r"async-ai-bootcamp\[([\w,-]+)\]")
HOURS = re.compile(r"(\d+) to (\d+)")
ABOUT_MINUTES = re.compile(r"About (\d+) minutes")
STAGES = {
    "pipeline": ("pipeline",),
    "grader": ("stack", "grading"),
    "stand-ins": ("stand-ins",),
    "operations": ("operations",),
}
"""Stages of the Dockerfile, and the extras of `pyproject.toml` whose libraries each installs."""


def wanted() -> dict[Path, str]:
    """The text that each generated file must have. Files that do not exist are left out.

    Raises:
        BootcampError: a file has lost its region, or a week's own file is wrong.
    """
    weeks = all_weeks()
    made: dict[str, Callable[[str], str]] = {
        "docs/course.md": lambda text: fill(
            text, {"weeks": week_table(weeks), "layers": layer_picture(weeks)}, "docs/course.md"
        ),
        "ARCHITECTURE.md": lambda text: fill(
            text, {"settings": settings_table(weeks)}, "ARCHITECTURE.md"
        ),
        "lessons/README.md": lambda text: fill(
            text, {"lessons": lesson_index(weeks)}, "lessons/README.md"
        ),
        "pyproject.toml": lambda text: fill(
            text, {"mypy_path": mypy_path(weeks)}, "pyproject.toml"
        ),
        "teaching/SYLLABUS.md": lambda text: fill(
            text, {"workload": workload_table(weeks)}, "teaching/SYLLABUS.md"
        ),
        "pyrightconfig.json": lambda text: pyright_config(text, weeks),
        "Dockerfile": lambda text: fill(text, image_libraries(), "Dockerfile"),
    }
    for week in weeks:
        if week.graded_notebook.is_file():
            made[f"exercises/{week}/README.md"] = partial(homework_page, week)
    found = {}
    for name, make in made.items():
        path = paths.ROOT / name
        if path.is_file():
            found[path] = make(path.read_text(encoding="utf-8"))
    return found | misconceptions.pages()


def stale() -> dict[Path, str]:
    """Those of the wanted texts that their files do not have."""
    return {
        path: text
        for path, text in wanted().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def week_table(weeks: Sequence[Week]) -> str:
    """The table of docs/course.md: what there is of each week, and what it costs a student."""
    rows = ["week", "about", "lessons", "homework", "notebooks", "reference"]
    lines = [_row(rows), _rule(len(rows))]
    for week in weeks:
        about = load_week_file(week)
        kinds = {"graded": week.graded_notebook, "live": week.live_notebook}
        lines.append(
            _row(
                [
                    f"{week.number} `{week}`",
                    about.title,
                    _minutes(week),
                    _homework(week, about.homework_hours),
                    " and ".join(kind for kind, path in kinds.items() if path.is_file()),
                    "yes" if any((week.solutions / "pipeline").rglob("*.py")) else "",
                ]
            )
        )
    lines.append(_row(["all", "", *together(weeks), "", ""]))
    return "\n".join(["", *lines, "", ""])


def together(weeks: Iterable[Week]) -> tuple[str, str]:
    """What all weeks cost a student: hours of lessons, and hours of homework."""
    minutes = sum(one.minutes for week in weeks for one in lesson_pages(week))
    found = [HOURS.fullmatch(load_week_file(week).homework_hours) for week in weeks]
    least, most = (sum(int(one[side]) for one in found if one) for side in (1, 2))
    return f"{round(minutes / 60)} hours", f"{least} to {most} hours"


def workload_table(weeks: Sequence[Week]) -> str:
    """The syllabus's table: what a week costs a student at home, and what it is worth."""
    rows = ["week", "about", "lessons", "homework"]
    lines = [_row(rows), _rule(len(rows))]
    for week in weeks:
        about = load_week_file(week)
        homework = _homework(week, about.homework_hours)
        lines.append(_row([str(week.number), about.title, _minutes(week), homework]))
    return "\n".join(["", *lines, "", ""])


def layer_picture(weeks: Sequence[Week]) -> str:
    """The picture of docs/course.md: each week is a layer on the one before."""
    nodes = [
        f'week{week.number}["week {week.number}: {load_week_file(week).adds}"]' for week in weeks
    ]
    lines = [f"    {nodes[0]}"] if len(nodes) == 1 else []
    for upper, under in zip(
        reversed(range(1, len(nodes))), reversed(range(len(nodes) - 1)), strict=True
    ):
        first = nodes[upper] if upper == len(nodes) - 1 else f"week{weeks[upper].number}"
        lines.append(f"    {first} -- on --> {nodes[under]}")
    about = [
        "    accTitle: The layers of the service",
        f"    accDescr: {len(nodes)} boxes in a row, one for each week. Each is on the week before.",
    ]
    return "\n".join(["", "```mermaid", "flowchart LR", *about, *lines, "```", "", ""])


def lesson_index(weeks: Iterable[Week]) -> str:
    """The lessons' index: a section for each week that has lessons."""
    return "".join(_section(week) for week in weeks if week.lessons.is_dir())


def _section(week: Week) -> str:
    about, lessons = load_week_file(week), lesson_pages(week)
    lines = ["", f"## Week {week.number}: {about.title}", ""]
    if (week.lessons / "README.md").is_file():
        lines += [f"Begin with the [overview of week {week.number}]({week}/README.md).", ""]
    if about.prerequisites:
        lines += [f"You need: {', '.join(about.prerequisites)}.", ""]
    lines += [_row(["lesson", "minutes"]), _rule(2)]
    lines += [_row([f"[{one.title}]({week}/{one.path.name})", str(one.minutes)]) for one in lessons]
    if (week.exercises / "README.md").is_file():
        link = f"[homework of week {week.number}](../exercises/{week}/README.md)"
        hours = f", {about.homework_hours} hours" if about.homework_hours else ""
        lines += ["", f"Then: {link}{hours}."]
    return "\n".join([*lines, ""])


def homework_page(week: Week, text: str) -> str:
    """A homework page with its generated part filled in."""
    return fill(text, {"notebooks": notebooks(week)}, f"exercises/{week}/README.md")


def notebooks(week: Week) -> str:
    """The part of a homework page that names the week's notebooks."""
    cells = json.loads(week.graded_notebook.read_text(encoding="utf-8"))["cells"]
    marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    tests = [float(mark["points"]) for mark in marks if mark.get("grade")]
    about = ABOUT_MINUTES.search("".join(cells[0]["source"]))
    minutes = f", about {about[1]} minutes" if about else ""
    graded = f"`notebooks/{week}/check.ipynb`"
    lines = [
        "",
        "## Notebooks",
        "",
        f"The graded notebook of this week is {graded}, in the edition that your course hands out: "
        f"{len(tests)} questions on five levels, {sum(tests):g} points{minutes}. "
        "It needs no services and no key.",
        "",
        "```console",
        f"$ .venv/bin/jupyter lab notebooks/{week}/check.ipynb",
        "```",
        "",
    ]
    if week.live_notebook.is_file():
        lines += [
            f"The live notebook, `notebooks/live/{week}.ipynb`, is what your teacher shows on stage. "
            "It comes with `git pull` when the week is closed.",
            "",
        ]
    return "\n".join([*lines, ""])


def settings_table(weeks: Iterable[Week]) -> str:
    """The settings that each week's code reads from the environment."""
    lines = [_row(["week", "settings"]), _rule(2)]
    for week in weeks:
        names = ", ".join(f"`{name}`" for name in settings_of(week))
        lines.append(_row([str(week.number), names]))
    return "\n".join(["", *lines, "", ""])


def settings_of(week: Week) -> list[str]:
    """Names of the environment variables of the week's pydantic-settings classes, sorted."""
    found = set()
    for file in files_in(week.solutions):
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse((week.solutions / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(_is_settings(base) for base in node.bases):
                found |= {
                    field.target.id.upper()
                    for field in node.body
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                }
    return sorted(found)


def _is_settings(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and base.id == "BaseSettings"


def mypy_path(weeks: Sequence[Week]) -> str:
    """The lines of mypy's search path, newest week first, as on PYTHONPATH."""
    return "".join(f'    "$MYPY_CONFIG_FILE_DIR/solutions/{week}",\n' for week in reversed(weeks))


def pyright_config(text: str, weeks: Sequence[Week]) -> str:
    """The editor's settings, with the search paths of each week's folders."""
    config = json.loads(text)
    config["executionEnvironments"] = [
        {
            "root": f"{folder}/{week}",
            "extraPaths": [f"solutions/{one}" for one in reversed(weeks) if one < week],
        }
        for folder in ("exercises", "solutions")
        for week in reversed(weeks)
    ]
    return json.dumps(config, indent=2) + "\n"


def image_libraries() -> dict[str, str]:
    """The `pip install` commands of the Dockerfile, by stage."""
    text = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras: dict[str, list[str]] = tomllib.loads(text)["project"]["optional-dependencies"]
    found = {}
    for stage, names in STAGES.items():
        libraries = sorted({one for name in names for one in _libraries(extras, name)})
        lines = ["RUN pip install --constraint /tmp/requirements.lock", *libraries]
        found[f"libraries of {stage}"] = " \\\n    ".join(lines) + "\n"
    return found


def _libraries(extras: dict[str, list[str]], extra: str) -> Iterable[str]:
    """Names of an extra's libraries without their versions, those of its own extras included."""
    for requirement in extras[extra]:
        if inner := OURSELVES.fullmatch(requirement):
            for name in inner[1].split(","):
                yield from _libraries(extras, name)
        elif found := REQUIREMENT.match(requirement):
            yield f'"{found[0]}"' if "[" in found[0] else found[0]


def _minutes(week: Week) -> str:
    minutes = sum(one.minutes for one in lesson_pages(week))
    return f"{minutes} minutes" if minutes else ""


def _homework(week: Week, hours: str) -> str:
    if not (week.grader / "manifest.toml").is_file():
        return ""
    manifest = load_manifest(week)
    graded = [item for item in manifest.items if item.points]
    text = f"{len(graded)} items, {manifest.max_score:g} points"
    return f"{text}, {hours} hours" if hours else text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    """The line below a table's heading."""
    return "|" + "---|" * columns
