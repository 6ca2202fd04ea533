"""Editors find the modules of all layers: `pyrightconfig.json` says what `PYTHONPATH` says."""

import json
import shutil
import subprocess
import sys

import pytest

from bootcamp import paths
from bootcamp.authoring.generate import scaffolds
from bootcamp.course.layers import Layer, Source, layers_under
from bootcamp.course.weeks import all_weeks
from bootcamp.files import write_atomic

CONFIG = paths.ROOT / "pyrightconfig.json"
PROBE = '''"""Sees the first week, and says so when it does not see a module."""

from pipeline.discovery import modules_in
import pipeline.no_such_module

reveal_type(modules_in)
'''


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_a_weeks_layers_are_its_execution_environment(week):
    environments = json.loads(CONFIG.read_text())["executionEnvironments"]
    extra_paths = {entry["root"]: entry["extraPaths"] for entry in environments}
    for folder in (week.exercises, week.solutions):
        root = folder.relative_to(paths.ROOT)
        _, *under = layers_under(week, Layer(week, Source.STUDENT, folder))
        expected = [str(layer.path.relative_to(paths.ROOT)) for layer in under]
        assert extra_paths[str(root)] == expected


def test_a_type_checker_finds_every_module_of_the_newest_week(tmp_path):
    week = all_weeks()[-1]
    for one in all_weeks():
        shutil.copytree(one.solutions, tmp_path / "solutions" / one.name)
    exercises = tmp_path / "exercises" / week.name
    for file, content in scaffolds(week).items():
        write_atomic(exercises / file, content)
    (exercises / "pipeline" / "probe.py").write_text(PROBE)
    shutil.copy(CONFIG, tmp_path)
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, str(exercises)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] > 1
    missing = [
        entry["message"]
        for entry in report["generalDiagnostics"]
        if entry.get("rule", "").startswith("reportMissing")
    ]
    assert len(missing) == 1, missing
    assert "pipeline.no_such_module" in missing[0]
    texts = [entry["message"] for entry in report["generalDiagnostics"]]
    assert any("(package: str) -> list[str]" in text for text in texts)
