"""All layers copied over one another, as the image does it: one ordinary package that runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import paths
from bootcamp.authoring.merge import merge
from bootcamp.course.layers import WIRING_FILE, pythonpath, reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.errors import BootcampError
from bootcamp.files import files_in

LISTING = """
import importlib, json, pkgutil
import pipeline
from pipeline.discovery import modules_in
from pipeline.tasks.celery_config import app

app.loader.import_default_modules()
app.finalize()
found = {
    "tasks": sorted(name for name in app.tasks if not name.startswith("celery.")),
    "wiring": importlib.import_module("pipeline.wiring").PipelineTask.__module__,
    "folders": len(pipeline.__path__),
    "routes": [],
}
try:
    from pipeline.api.app import create_app
except ModuleNotFoundError:
    pass
else:
    found["routes"] = sorted(create_app().openapi()["paths"])
print(json.dumps(found))
"""

IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def python(path: str, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def merged(tmp_path_factory) -> Path:
    return merge(tmp_path_factory.mktemp("image") / "app").parent


def test_the_merged_package_holds_every_file_once(merged):
    expected = {file for week in all_weeks() for file in files_in(week.solutions)}
    assert set(files_in(merged)) == expected
    newest = [week for week in all_weeks() if (week.solutions / WIRING_FILE).is_file()][-1]
    assert (merged / WIRING_FILE).read_bytes() == (newest.solutions / WIRING_FILE).read_bytes()


def test_every_module_of_the_merged_package_imports(merged):
    names = [".".join(f.with_suffix("").parts) for f in files_in(merged) if f.suffix == ".py"]
    python(str(merged), IMPORT_ALL, *names)


def test_merged_and_layered_list_the_same_tasks_and_routes(merged):
    layers = reference_layers(all_weeks()[-1])
    layered = json.loads(python(pythonpath(layers), LISTING))
    as_one = json.loads(python(str(merged), LISTING))
    assert layered.pop("folders") == len(layers)
    assert as_one.pop("folders") == 1
    assert as_one == layered
    assert "pipeline.summarize_article" in as_one["tasks"]


def test_every_task_and_route_that_is_written_is_listed(merged):
    listed = json.loads(python(str(merged), LISTING))
    sources = [(merged / file).read_text() for file in files_in(merged) if file.suffix == ".py"]
    written = sum(len(re.findall(r"^@app\.task\b", source, re.M)) for source in sources)
    ours = [name for name in listed["tasks"] if name.startswith("pipeline.")]
    assert len(ours) == written, ours
    if any("APIRouter(" in source for source in sources):
        assert listed["routes"]


def test_a_file_that_stands_in_two_weeks_is_refused(tmp_path, monkeypatch):
    for week in ("week01_one", "week02_two"):
        (tmp_path / week / "pipeline").mkdir(parents=True)
        (tmp_path / week / "pipeline" / "same.py").write_text("")
    monkeypatch.setattr(paths, "SOLUTIONS", tmp_path)
    all_weeks.cache_clear()
    try:
        with pytest.raises(BootcampError, match=r"same\.py stands in week01_one and in week02_two"):
            merge(tmp_path / "out")
    finally:
        all_weeks.cache_clear()


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(BootcampError, match="not empty"):
        merge(tmp_path)
