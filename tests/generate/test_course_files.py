"""What `bootcamp generate` writes from the weeks' folders, beside the exercises."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring import course_files
from bootcamp.authoring.regions import fill, without_marks
from bootcamp.course.week_file import FILE, load_week_file
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.errors import BootcampError


@pytest.fixture(scope="module")
def stale() -> dict[Path, str]:
    """Generates all files once."""
    return course_files.stale()


@pytest.mark.parametrize("path", course_files.wanted(), ids=lambda path: path.name)
def test_the_committed_files_are_what_the_weeks_give(path: Path, stale: dict[Path, str]) -> None:
    assert path not in stale


def test_every_generated_file_of_the_course_is_there() -> None:
    names = {path.relative_to(paths.ROOT).as_posix() for path in course_files.wanted()}
    assert names == {
        "ARCHITECTURE.md",
        "Dockerfile",
        "docs/course.md",
        "lessons/README.md",
        "pyproject.toml",
        "pyrightconfig.json",
        "teaching/SYLLABUS.md",
        *(f"exercises/{week}/README.md" for week in all_weeks()),
        *(f"teaching/misconceptions/week{week.number:02}.md" for week in all_weeks()),
    }


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_every_week_says_what_it_is_about(week: Week) -> None:
    about = load_week_file(week)
    assert about.title and about.adds


def test_a_region_alone_is_replaced() -> None:
    text = "mine\n# generated: one\nold\n# end generated\nmine too\n"
    filled = fill(text, {"one": "new\n"}, "here")
    assert filled == text.replace("old", "new")
    assert fill(filled, {"one": "new\n"}, "here") == filled


def test_two_regions_keep_their_own_text() -> None:
    text = "# generated: a\n# end generated\nmine\n# generated: b\n# end generated\n"
    filled = fill(text, {"a": "1\n", "b": "2\n"}, "here")
    assert (
        filled == "# generated: a\n1\n# end generated\nmine\n# generated: b\n2\n# end generated\n"
    )


@pytest.mark.parametrize("text", ["nothing\n", "# generated: one\n# end generated\n" * 2])
def test_a_region_that_is_missing_or_there_twice_is_named(text: str) -> None:
    with pytest.raises(BootcampError, match=r"here has . regions `generated: one`"):
        fill(text, {"one": ""}, "here")


def test_a_students_page_shows_no_marks() -> None:
    text = "<!-- generated: lessons -->\n\n## Week 1\n\n<!-- end generated -->\n\n## Rest\n"
    assert without_marks(text) == "## Week 1\n\n## Rest\n"


def test_settings_are_found_in_the_code(week: Week) -> None:
    code = "class Some(BaseSettings):\n    longest_wait: float = 1.0\n    LIMIT = 3\n"
    (week.solutions / "pipeline" / "parts" / "given.py").write_text(code)
    assert course_files.settings_of(week) == ["LONGEST_WAIT"]


def test_a_week_without_lessons_is_in_the_picture_and_not_in_the_index(week: Week) -> None:
    assert course_files.lesson_index([week]) == ""
    assert "week5[" in course_files.layer_picture([week])
    assert "| 5 `week05_tiny` |" in course_files.week_table([week])


def test_the_pictures_layers_are_in_order(week: Week) -> None:
    picture = course_files.layer_picture([Week(4, "week04_tiny"), week, Week(6, "week06_tiny")])
    links = [line.split('"')[0] for line in picture.splitlines() if " -- on --> " in line]
    assert links == ["    week6[", "    week5 -- on --> week4["]


def test_a_week_file_with_an_unknown_field_is_refused(week: Week) -> None:
    week.lessons.mkdir(parents=True)
    (week.lessons / FILE).write_text('titel = "typing error"\n')
    with pytest.raises(BootcampError, match="titel"):
        load_week_file(week)
