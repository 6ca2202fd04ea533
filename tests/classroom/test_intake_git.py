"""A commit of a git repository: its files, and nothing that it brings along runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.classroom.intake.allow_list import Intake
from autograder.classroom.intake.sources import find, repository
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
    assert not found.files


@pytest.mark.parametrize(
    "place", ["ext::sh -c 'touch /tmp/x'", "--upload-pack=id", "/no/such/place"]
)
def test_a_place_that_is_no_repository(week: Week, place: str) -> None:
    assert "failed" in repository("m", ("m",), place, "main").read(week).refused
