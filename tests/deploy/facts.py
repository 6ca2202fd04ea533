"""What the pipeline says about itself, asked in a process of its own, so that no test's modules are mixed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

from bootcamp.course.layers import pythonpath, reference_layers
from bootcamp.course.weeks import all_weeks

SCRIPT = """
import json
from pipeline.api.app import app
from pipeline.metrics import measures
from pipeline.steps.limits import ParseLimits
print(json.dumps({
    "routes": [[m.upper(), path] for path, found in app.openapi()["paths"].items() for m in found],
    "metrics": [family.name for family in measures.OURS.collect()],
    "parse_seconds": ParseLimits().wall_seconds,
}))
"""


@cache
def facts() -> dict[str, Any]:
    """Routes, names of the counted metrics, and the longest time that a parse may take."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": pythonpath(reference_layers(all_weeks()[-1]))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
