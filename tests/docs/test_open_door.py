"""What newcomers and their assistants read first is consistent with the repository."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from bootcamp import paths
from bootcamp.authoring.pages import Page
from bootcamp.authoring.release import FILES

STUDENTS = paths.ROOT / "bootcamp/authoring/student_edition/AGENTS.md"
CONTRIBUTORS = paths.ROOT / "AGENTS.md"
FORMS = sorted((paths.ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
CHECKLISTS = ("docs/windows.md", "docs/macos.md", "docs/devcontainer.md")
LEAST_STEPS = 6


def rules(path: Path) -> list[list[str]]:
    (table,) = Page.read(path).tables()
    assert table[0] == ["rule", "what checks it"]
    return table[1:]


@pytest.mark.parametrize("path", [STUDENTS, CONTRIBUTORS], ids=["students", "contributors"])
def test_each_rule_names_what_checks_it(path: Path) -> None:
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    for rule, check in rules(path):
        assert rule and check
        for named in re.findall(r"`([^`]+)`", check):
            program, _, rest = named.partition(" ")
            if program == "make":
                assert f"\n{rest}:" in makefile
            elif program == "python":
                module = rest.removeprefix("-m ").replace(".", "/")
                assert (paths.ROOT / f"{module}.py").is_file()
            elif program != "bootcamp":
                assert (paths.ROOT / named).exists(), named


def test_students_assistants_give_hints_before_code() -> None:
    text = STUDENTS.read_text(encoding="utf-8")
    assert "hints before code" in text
    assert "Do not write code between `# TODO`" in text


def test_the_dev_container_needs_no_docker_inside_and_no_named_registry() -> None:
    folder = paths.ROOT / ".devcontainer"
    settings = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))
    build = (folder / settings["build"]["dockerfile"]).read_text(encoding="utf-8")
    (image,) = re.findall(r"^FROM (\S+)", build, re.MULTILINE)
    assert "/" not in image
    assert "docker" not in json.dumps({**settings, "build": {}}).lower()
    assert settings["remoteUser"] in build
    assert {".devcontainer/Dockerfile", ".devcontainer/devcontainer.json"} <= set(FILES)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_form_is_complete(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"] and form["description"]
    fields = [field["id"] for field in form["body"]]
    assert len(set(fields)) == len(fields) > 1


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_platform_that_was_not_tried_has_a_checklist(name: str) -> None:
    text = (paths.ROOT / name).read_text(encoding="utf-8")
    assert "tried" in text.partition("## A checklist")[0]
    assert text.partition("## A checklist")[2].count("- [ ] ") >= LEAST_STEPS


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(citation["version"]) == project["version"]
    assert " AND ".join(citation["license"]).upper() == project["license"].upper()
