"""The pages of the site and their reading order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootcamp import paths
from bootcamp.authoring.lesson_pages import lesson_pages
from bootcamp.authoring.pages import Page
from bootcamp.course.week_file import load_week_file
from bootcamp.course.weeks import Week, all_weeks

COURSE = ("docs/course.md", "docs/students.md")
HELP = (
    "docs/faq.md",
    "docs/windows.md",
    "docs/macos.md",
    "docs/devcontainer.md",
    "docs/glossary.md",
)
INSTRUCTORS = (
    "docs/instructors.md",
    "autograder/classroom/README.md",
    "notebooks/README.md",
    "VALIDATION.md",
)
TEACHERS = (
    "teaching/README.md",
    "teaching/SYLLABUS.md",
    "teaching/RUBRICS_AND_KEYS.md",
    "teaching/HOW_AM_I_DOING.md",
)
ENGINEERS = (
    "docs/engineers.md",
    "docs/SPEED.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/newcomers.md",
)
REFERENCE = (
    "docs/releases.md",
    "autograder/sdk/README.md",
    "bootcamp/samples/README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    "AGENTS.md",
    "lessons/LICENSE.md",
)


@dataclass(frozen=True)
class Entry:
    """A page of the site: its Markdown file, and its title in the navigation."""

    path: Path
    title: str


@dataclass(frozen=True)
class Section:
    """A part of the navigation. Its entries are in reading order."""

    title: str
    entries: tuple[Entry, ...]


def sections() -> tuple[Section, ...]:
    """The whole navigation: the course, its weeks, help, then a section for each other role."""
    return (
        Section(
            "Course",
            (
                Entry(paths.ROOT / "README.md", "Start"),
                *_entries(COURSE),
                Entry(paths.LESSONS / "README.md", "All lessons"),
            ),
        ),
        *(_week(week) for week in all_weeks()),
        Section("Help", _entries(HELP)),
        Section("Instructors", _entries(INSTRUCTORS)),
        Section("Teachers", (*_entries(TEACHERS), *_plans())),
        Section("Engineers", _entries((*ENGINEERS, *_below("deploy")))),
        Section("Reference", _entries(REFERENCE)),
    )


def all_entries() -> Iterator[Entry]:
    """Every page of the site, in reading order."""
    for section in sections():
        yield from section.entries


def week_minutes(week: Week) -> int:
    """The minutes of a week's lessons together, from the line below each title."""
    return sum(lesson.minutes for lesson in lesson_pages(week))


def _week(week: Week) -> Section:
    about = load_week_file(week)
    lessons = [
        Entry(one.path, f"{number}. {one.title} ({one.minutes} min)")
        for number, one in enumerate(lesson_pages(week), 1)
    ]
    hours = f" ({about.homework_hours} hours)" if about.homework_hours else ""
    entries = (
        Entry(week.lessons / "README.md", "Overview"),
        *lessons,
        *(Entry(path, Page.read(path).headings(1)[0]) for path in _appendices(week)),
        *(Entry(path, "Review") for path in [week.lessons / "review.md"] if path.is_file()),
        Entry(week.exercises / "README.md", f"Homework{hours}"),
    )
    title = f"Week {week.number}: {about.title} ({week_minutes(week)} min)"
    return Section(title, tuple(entry for entry in entries if entry.path.is_file()))


def _appendices(week: Week) -> list[Path]:
    return sorted(week.lessons.glob("appendix_*.md"))


def _plans() -> Iterator[Entry]:
    """For each week the plan of its sessions, its live notebook, and its misconceptions."""
    teaching = paths.ROOT / "teaching"
    for week in all_weeks():
        name = f"week{week.number:02}.md"
        pages = {
            "Sessions": teaching / name,
            "Live notebook": week.live_notebook,
            "Misconceptions": teaching / "misconceptions" / name,
        }
        for title, path in pages.items():
            if path.is_file():
                yield Entry(path, f"{title} of week {week.number}")


def _below(folder: str) -> list[str]:
    """The pages below a folder, that of the folder itself first."""
    pages = sorted((paths.ROOT / folder).rglob("*.md"), key=lambda path: path.name != "README.md")
    return [path.relative_to(paths.ROOT).as_posix() for path in pages]


def _entries(names: Iterable[str]) -> tuple[Entry, ...]:
    found = [paths.ROOT / name for name in names if (paths.ROOT / name).is_file()]
    return tuple(Entry(path, Page.read(path).headings(1)[0]) for path in found)
