"""A commit of a git repository: its files, and nothing that it brings along runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution.records import Record
from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.sources import find, repository
from autograder.classroom.intake.trees import FolderTree, Unread
from autograder.classroom.output.gradebook import COURSE_ID, assignment_name, write_gradebook
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.summary import Grade, Status
from bootcamp.cli.grade_class import exit_code
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week

PRODUCER = "pipeline/producer.py"
WHEN = "2026-11-27T21:04:05+00:00"
PEOPLE = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": WHEN, "GIT_COMMITTER_DATE": WHEN,
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


def git(folder: Path, *words: str) -> str:
    env = {**os.environ, **PEOPLE}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def clone(folder: Callable[..., Path], homework: dict[str, bytes]) -> Path:
    """A class of one, whose repository has one commit with the homework."""
    repo = folder("all/anna", dict(homework))
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "homework")
    return repo


def taken(repo: Path, week: Week, revision: str = "HEAD") -> Intake:
    (only,) = find(repo.parent, week, ZoneInfo("UTC"), revision)
    return only.read(week)


def test_a_commit_and_not_the_working_tree(
    clone: Path, homework: dict[str, bytes], week: Week
) -> None:
    (clone / PRODUCER).write_text("# changed after the commit\n")
    intake = taken(clone, week)
    assert {str(path): text for path, text in intake.files.items()} == homework
    assert intake.modified == datetime(2026, 11, 27, 21, 4, 5, tzinfo=UTC)


def test_an_earlier_commit_by_its_id(clone: Path, homework: dict[str, bytes], week: Week) -> None:
    first = git(clone, "rev-parse", "HEAD")
    (clone / PRODUCER).write_text("# after the due moment\n")
    git(clone, "commit", "--quiet", "-am", "later")
    assert b"# after" in b"".join(taken(clone, week, "main").files.values())
    by_id = repository("anna", ("anna",), str(clone), first).read(week)
    assert {str(path): text for path, text in by_id.files.items()} == homework


def test_nothing_of_the_repository_runs(
    clone: Path, homework: dict[str, bytes], week: Week, tmp_path: Path
) -> None:
    proof = tmp_path / "ran"
    evil = f"touch {proof}; cat"
    (clone / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    git(clone, "add", ".gitattributes")
    git(clone, "commit", "--quiet", "-m", "attributes")
    for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.sshCommand"):
        git(clone, "config", key, evil)
    git(clone, "config", "uploadpack.packObjectsHook", evil)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-receive"):
        path = clone / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {proof}\n")
        path.chmod(0o755)
    intake = taken(clone, week)
    assert {str(path): text for path, text in intake.files.items()} == homework
    assert not proof.exists()


def test_links_and_submodules_are_left_out(clone: Path, week: Week) -> None:
    (clone / PRODUCER).unlink()
    (clone / PRODUCER).symlink_to("/etc/passwd")
    git(clone, "add", PRODUCER)
    head = git(clone, "rev-parse", "HEAD")
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(clone, "commit", "--quiet", "-m", "odd")
    intake = taken(clone, week)
    notes = "\n".join(intake.notes)
    assert PRODUCER not in map(str, intake.files)
    assert f"{PRODUCER}, a link" in notes
    assert "module, a git submodule" in notes


@pytest.mark.parametrize(
    "revision", ["nowhere", "--upload-pack=touch /tmp/x", "-x", "a..b", "", "main; id"]
)
def test_a_revision_that_is_none(clone: Path, week: Week, revision: str) -> None:
    found = repository("anna", ("anna",), str(clone), revision).read(week)
    assert found.refused
    assert found.unread
    assert not found.files


@pytest.mark.parametrize(
    "place", ["ext::sh -c 'touch /tmp/x'", "--upload-pack=id", "/no/such/place"]
)
def test_a_place_that_is_no_repository(week: Week, place: str) -> None:
    found = repository("m", ("m",), place, "main").read(week)
    assert "failed" in found.refused
    assert found.unread


def test_a_server_that_does_not_answer_costs_nobody_points(
    clone: Path, week: Week, manifest: Manifest, record: Callable[..., Record], tmp_path: Path
) -> None:
    """The result of before is kept, with its files and exports; the points are blank."""
    roster, out = tmp_path / "roster.csv", tmp_path / "grades"
    (tmp_path / "none").mkdir()

    def run(place: str, commit: str = "main") -> tuple[Grade, Assignment]:
        roster.write_text(f"id,repository,commit\nanna,{place},{commit}\n")
        assignment = Assignment(week, Options(tmp_path / "none", out, roster))
        with assignment.held():
            for task in assignment.tasks():
                made = record("anna", submission=task.key.submission)
                assignment.results.save(made.model_copy(update={"key": task.key}))
            grades = assignment.grades()
            assignment.publish(grades)
        return grades[0], assignment

    before, _ = run(str(clone))
    assert (before.status, before.final) == (Status.GRADED, 10.0)
    kept = {path: path.read_bytes() for path in (out / "taken").rglob("*.py")}
    result = (out / "results" / "anna.json").read_bytes()
    book = tmp_path / "gradebook.db"
    write_gradebook(book, week, manifest, Policy(), [before])
    for place, commit in (
        ("https://127.0.0.1:9/anna.git", "main"),
        (str(tmp_path / "moved"), "main"),
        (str(clone), "nowhere"),
        (str(clone), "0" * 40),
        (str(clone), "a..b"),
    ):
        after, assignment = run(place, commit)
        assert (after.status, after.final, exit_code((after,))) == (Status.UNREAD, None, 3)
        assert after.reason
        assert not assignment.tasks()
        assert {path: path.read_bytes() for path in (out / "taken").rglob("*.py")} == kept
        assert (out / "results" / "anna.json").read_bytes() == result
        assert (out / "exports/gradescope/anna/results.json").is_file()
        assert len((out / "exports/lms.csv").read_text().splitlines()) == 1
        write_gradebook(book, week, manifest, Policy(), [after])
        assert recorded(book, week) == 10.0
    assert run(str(clone))[0].final == 10.0


def recorded(book: Path, week: Week) -> float:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{book}", COURSE_ID) as opened:
        return float(opened.find_submission(assignment_name(week), "anna").score)


def test_a_folder_that_this_machine_may_not_read_is_no_zero(folder: Callable[..., Path]) -> None:
    missing = folder("sub", {"pipeline/x.py": "x"})
    tree = FolderTree(missing)
    (entry,) = tree.entries()
    (missing / "pipeline/x.py").unlink()
    with pytest.raises(Unread, match="cannot be read"):
        tree.read(entry, 10)
    with pytest.raises(Unread, match="cannot be read"):
        FolderTree(missing / "nowhere").entries()
