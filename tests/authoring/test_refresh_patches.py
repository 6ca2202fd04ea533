"""`bootcamp refresh-patches`: a changed reference, and what becomes of a wrong solution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.validation.carry import State
from bootcamp import paths
from bootcamp.cli.main import build
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import BootcampError, UsageError
from tests.authoring.conftest import NO_CAP, Course

HEADER = NO_CAP.partition("---")[0]


def test_a_patch_is_not_touched_while_its_solution_stays(course: Course) -> None:
    assert course.refresh().outcome.state is State.KEPT
    assert course.patch.read_text() == NO_CAP


def test_a_patch_that_still_gives_the_right_file_is_not_rewritten(course: Course) -> None:
    course.change(
        '"""Waits between tries."""\n', '"""Waits between tries."""\n\n# One more line.\n'
    )
    assert course.refresh().outcome.state is State.KEPT
    assert course.patch.read_text() == NO_CAP


def test_a_patch_follows_a_change_and_keeps_its_header(course: Course) -> None:
    course.change("    # ? Cap it.\n", "    # ? Cap it at LIMIT.\n")
    found = course.refresh()
    assert found.outcome.state is State.CARRIED
    text = course.patch.read_text()
    assert text.startswith(HEADER + "--- a/pipeline/retry.py\n+++ b/pipeline/retry.py\n@@ ")
    assert "# ? Cap it at LIMIT." in text
    solution = course.retry.read_text()
    wrong = (course.patched() / "pipeline/retry.py").read_text()
    assert wrong == solution.replace("    longest = min(longest, LIMIT)\n", "")


def test_changes_side_by_side_are_no_conflict(course: Course) -> None:
    course.change("    return random.uniform(0, longest)", "    return random.random() * longest")
    assert course.refresh().outcome.state is State.CARRIED
    wrong = (course.patched() / "pipeline/retry.py").read_text()
    assert "LIMIT)" not in wrong
    assert "random.random() * longest" in wrong


def test_a_patch_is_carried_over_commits(course: Course) -> None:
    course.change("    longest = 2.0**attempt", "    longest = 3.0**attempt")
    course.commit()
    found = course.refresh()
    assert found.outcome.state is State.DOES_NOT_APPLY
    assert "pipeline/retry.py:11" in found.outcome.reason
    assert course.refresh(base="HEAD~1").outcome.state is State.CARRIED


def test_a_second_change_before_the_commit_is_carried_too(course: Course) -> None:
    course.change("2.0**attempt", "3.0**attempt")
    assert course.refresh().outcome.state is State.CARRIED
    assert course.refresh().outcome.state is State.KEPT
    course.change("3.0**attempt", "4.0**attempt")
    assert course.refresh().outcome.state is State.CARRIED
    assert "4.0" in (course.patched() / "pipeline/retry.py").read_text()


def test_a_dry_run_writes_nothing(course: Course) -> None:
    course.change("2.0**attempt", "3.0**attempt")
    assert course.refresh(dry_run=True).outcome.state is State.CARRIED
    assert course.patch.read_text() == NO_CAP
    assert not course.path(".bootcamp").exists()


def test_a_conflict_is_named_and_the_edited_file_becomes_the_patch(course: Course) -> None:
    course.change("    longest = min(longest, LIMIT)", "    longest = min(LIMIT, longest)")
    found = course.refresh()
    assert found.outcome.state is State.CONFLICT
    assert course.patch.read_text() == NO_CAP
    assert found.edit is not None
    lines = found.edit.read_text().splitlines()
    assert found.outcome.line is not None
    assert lines[found.outcome.line - 1].startswith("<<<<<<< ")

    found.edit.write_text(course.retry.read_text().replace("min(LIMIT, longest)", "longest + 1"))
    assert course.refresh().outcome.state is State.CARRIED
    assert "longest + 1" in (course.patched() / "pipeline/retry.py").read_text()
    assert course.patch.read_text().startswith(HEADER)
    assert not found.edit.exists()


def test_an_edit_that_is_not_finished_is_kept(course: Course) -> None:
    course.change("    longest = min(longest, LIMIT)", "    longest = min(LIMIT, longest)")
    edit = course.refresh().edit
    assert edit is not None
    begun = edit.read_text() + "\n# begun\n"
    edit.write_text(begun)
    found = course.refresh()
    assert found.outcome.state is State.CONFLICT
    assert edit.read_text() == begun


def test_a_solution_that_has_the_fault_itself_is_named(course: Course) -> None:
    course.change("    longest = min(longest, LIMIT)\n", "")
    found = course.refresh()
    assert found.outcome.state is State.NO_EFFECT
    assert found.outcome.file == "week05_tiny/pipeline/retry.py"


def test_a_renamed_file_is_followed(course: Course) -> None:
    course.git("mv", "solutions/week05_tiny/pipeline/retry.py",
               "solutions/week05_tiny/pipeline/backoff.py")  # fmt: skip
    assert course.refresh().outcome.state is State.CARRIED
    assert "+++ b/pipeline/backoff.py" in course.patch.read_text()
    assert "LIMIT)" not in (course.patched() / "pipeline/backoff.py").read_text()


def test_a_file_that_is_moved_by_hand_is_followed_before_it_is_committed(course: Course) -> None:
    course.retry.rename(course.retry.with_name("backoff.py"))
    assert course.refresh().outcome.state is State.CARRIED
    assert "+++ b/pipeline/backoff.py" in course.patch.read_text()


def test_a_patch_goes_with_its_file_to_another_week(course: Course) -> None:
    course.write("autograder/week04_job/manifest.toml", '[[items]]\nid = "5.1"\n')
    course.git("mv", "solutions/week05_tiny/pipeline/retry.py",
               "solutions/week04_job/pipeline/retry.py")  # fmt: skip
    found = course.refresh()
    assert found.outcome.state is State.CARRIED
    assert found.path == Path("autograder/week04_job/wrong/no_cap.patch")
    assert not course.patch.exists()
    wrong = course.patched("week04_job", course.root / found.path)
    assert "LIMIT)" not in (wrong / "pipeline/retry.py").read_text()


def test_a_week_without_the_lost_item_gets_no_patch(course: Course) -> None:
    course.git("mv", "solutions/week05_tiny/pipeline/retry.py",
               "solutions/week04_job/pipeline/retry.py")  # fmt: skip
    found = course.refresh()
    assert found.outcome.state is State.OTHER_ITEMS
    assert course.patch.read_text() == NO_CAP


def test_a_function_that_went_to_another_file_is_found(course: Course) -> None:
    start = course.retry.read_text().index("def wait")
    end = course.retry.read_text().index("def spread")
    function = course.retry.read_text()[start:end]
    course.change(function, "")
    course.write("solutions/week05_tiny/pipeline/limits.py",
                 f'"""Limits."""\n\nimport random\n\nLIMIT = 60.0\n\n\n{function}')  # fmt: skip
    assert course.refresh().outcome.state is State.CARRIED
    assert "+++ b/pipeline/limits.py" in course.patch.read_text()
    assert "longest, LIMIT" not in (course.patched() / "pipeline/limits.py").read_text()


def test_a_file_that_is_gone_is_named(course: Course) -> None:
    course.retry.unlink()
    found = course.refresh()
    assert found.outcome.state is State.CONFLICT
    assert "is gone" in found.outcome.reason


def test_a_name_that_the_solution_has_no_more_is_named(course: Course) -> None:
    course.patch.write_text(
        NO_CAP.replace("-11,7 +11,6", "-11,7 +11,7").replace(
            "-    longest = min(longest, LIMIT)\n",
            "-    longest = min(longest, LIMIT)\n+    longest = max(longest, random.random())\n",
        )
    )
    course.commit()
    course.change("import random\n", "from random import uniform\n")
    course.change("    return random.uniform(0, longest)", "    return uniform(0, longest)")
    found = course.refresh()
    assert found.outcome.state is State.BROKEN
    assert (found.outcome.line, "`random`" in found.outcome.reason) == (14, True)


def test_the_command_says_what_to_do(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOLUTIONS", "AUTOGRADER"):
        monkeypatch.setattr(paths, name, course.path(name.lower()))
    monkeypatch.setattr(paths, "ROOT", course.root)
    monkeypatch.setenv("BOOTCAMP_STATE", str(course.path(".bootcamp")))
    all_weeks.cache_clear()
    course.change("    longest = min(longest, LIMIT)", "    longest = min(LIMIT, longest)")
    app, runner = build(), CliRunner()
    shown = runner.invoke(app, ["refresh-patches", "5"])
    answer = runner.invoke(app, ["refresh-patches", "5", "--json", "--dry-run"])
    all_weeks.cache_clear()
    assert shown.exit_code == answer.exit_code == 1
    assert "autograder/week05_tiny/wrong/no_cap.patch: conflict" in shown.stdout
    assert "solutions/week05_tiny/pipeline/retry.py:14" in shown.stdout
    assert "Then run this command again." in shown.stdout
    (entry,) = json.loads(answer.stdout)["patches"]
    assert (entry["state"], entry["line"]) == ("conflict", 14)


def test_an_unknown_revision_is_a_usage_error(course: Course) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        course.refresh(base="nowhere")


def test_a_folder_without_git_is_refused(course: Course) -> None:
    course.path(".git").rename(course.path("git"))
    with pytest.raises(BootcampError, match="not a git repository"):
        course.refresh()
