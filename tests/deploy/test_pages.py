"""The pages and alerts of deploy/ and ops/: every command, link, metric and section that they name exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from bootcamp import paths
from deploy import sizes
from tests.deploy.facts import facts
from tests.parts import missing

FOLDER = paths.ROOT / "deploy"
PAGES = sorted(FOLDER.rglob("*.md"))
RUNBOOK = (FOLDER / "runbook.md").read_text()
ALERTS = yaml.safe_load((paths.ROOT / "ops" / "alerts.yml").read_text())["groups"][0]["rules"]
SERVICES = yaml.safe_load((paths.ROOT / "docker-compose.yml").read_text())["services"]
MODULE = re.compile(r"python3? -m (pipeline[\w.]*)")
OTHER_PROGRAMS = {"kubectl", "git", "bootcamp"}


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


COMMANDS = [
    pytest.param(line, id=f"{page.stem}: {line[:60]}") for page in PAGES for line in commands(page)
]


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (paths.ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def routes() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)))
        for method, path in facts()["routes"]
    ]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_pages_can_be_run(line: str) -> None:
    program, *words = shlex.split(line)
    if program == "make":
        assert words[0] in targets()
    elif (program, *words[:1]) == ("docker", "compose"):
        options = {"exec", "up", "logs", "ps", "pull", "build"}
        assert words[1] in options
        rest = [word for word in words[2:] if not word.startswith("-")]
        first = rest[:1] if words[1] == "exec" else rest
        assert (first or words[1] == "build") and set(first) - {"worker-webhooks=2"} <= set(
            SERVICES
        ), first
    elif program == "curl":
        (url,) = [word for word in words if word.startswith("http")]
        path = url.removeprefix("http://127.0.0.1:8000").partition("?")[0]
        method = words[words.index("--request") + 1] if "--request" in words else "GET"
        assert any(method == known and pattern.fullmatch(path) for known, pattern in routes()), path
    else:
        assert program in OTHER_PROGRAMS | {"docker"}
    for module in MODULE.findall(line):
        folders = [week / module.replace(".", "/") for week in paths.SOLUTIONS.glob("week*")]
        assert any(one.with_suffix(".py").is_file() or one.is_dir() for one in folders), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_the_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        if name.startswith("http"):
            continue
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_each_alert_has_a_section_with_a_meaning_and_an_action() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
    for alert in ALERTS:
        text = sections[alert["alert"]]
        assert "**It means:**" in text and "**Do:**" in text, alert["alert"]
        anchor = alert["alert"].lower()
        assert alert["annotations"]["runbook"] == f"deploy/runbook.md#{anchor}"
        assert alert["labels"]["severity"] in ("page", "ticket")
    assert {name for name in sections if re.fullmatch(r"[A-Z]\w+[A-Z]\w+", name)} == {
        alert["alert"] for alert in ALERTS
    }


def test_alerts_use_metrics_that_exist() -> None:
    source = (paths.SOLUTIONS / "week08_operations" / "pipeline" / "api" / "admin.py").read_text()
    known = set(re.findall(r'"(pipeline_\w+)"', source)) | {"up"}
    for name in facts()["metrics"]:
        known |= {f"{name}_{end}" for end in ("total", "bucket", "count")}
    for alert in ALERTS:
        used = set(re.findall(r"\b(pipeline_\w+)", alert["expr"]))
        assert used <= known, alert["alert"]


def test_the_alerts_fire_when_they_should() -> None:
    if (program := shutil.which("promtool")) is None:
        missing("promtool is not installed: it comes with Prometheus")
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            [program, *words],
            cwd=paths.ROOT / "ops",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    config = yaml.safe_load((paths.ROOT / "ops" / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]


def test_the_table_of_sizes_is_the_one_that_the_base_figures_give() -> None:
    found = sizes.MARKS.search((FOLDER / "managed_services.md").read_text())
    assert found is not None
    assert found[0] == f"{found[1]}{sizes.table()}\n{found[2]}"
    rows = [line.split("|") for line in sizes.table().splitlines()[2:]]
    assert [row[1].strip().replace(",", "") for row in rows] == ["10", "100", "1000", "10000"]
