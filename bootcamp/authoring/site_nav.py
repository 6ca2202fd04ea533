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

HELP = (
    "docs/faq.md",
    "docs/windows.md",
    "docs/macos.md",
    "docs/devcontainer.md",
    "docs/glossary.md",
)
INSTRUCTORS = ("autograder/classroom/README.md", "notebooks/README.md", "VALIDATION.md")
REFERENCE = (
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/releases.md",
    "autograder/sdk/README.md",
    "bootcamp/samples/README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    "AGENTS.md",
    "lessons/LICENSE.md",
)
TEACHING = paths.ROOT / "teaching"


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
    """The whole navigation: course, weeks, help, instructors, reference."""
    course = Section(
        "Course",
        (
            Entry(paths.ROOT / "README.md", "What it is"),
            Entry(paths.LESSONS / "README.md", "All lessons"),
        ),
    )
    teaching = [path.relative_to(paths.ROOT).as_posix() for path in sorted(TEACHING.rglob("*.md"))]
    return (
        course,
        *(_week(week) for week in all_weeks()),
        Section("Help", _entries(HELP)),
        Section("Instructors and teachers", _entries((*INSTRUCTORS, *teaching))),
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
        *(Entry(path, "Review") for path in [week.lessons / "review.md"] if path.is_file()),
        Entry(week.exercises / "README.md", f"Homework{hours}"),
    )
    title = f"Week {week.number}: {about.title} ({week_minutes(week)} min)"
    return Section(title, tuple(entry for entry in entries if entry.path.is_file()))


def _entries(names: Iterable[str]) -> tuple[Entry, ...]:
    found = [paths.ROOT / name for name in names if (paths.ROOT / name).is_file()]
    return tuple(Entry(path, Page.read(path).headings(1)[0]) for path in found)
