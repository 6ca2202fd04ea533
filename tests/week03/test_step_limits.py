"""No step may run without end: each has a time limit below the visibility timeout."""

from __future__ import annotations

import json
import subprocess
import sys

from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment
from tests.week03.conftest import LAYERS

PROGRAM = """
import json
from pipeline.settings import worker_settings
from pipeline.tasks import document_pipeline as steps

tasks = (steps.parse_document, steps.chunk_document, steps.embed_chunks, steps.index_document)
limits = [(task.soft_time_limit, task.time_limit) for task in tasks]
print(json.dumps([limits, worker_settings().visibility_timeout_seconds]))
"""


def test_every_step_ends_before_its_message_is_delivered_again(run: Run) -> None:
    """What the hard limit does to a job is tested in week 5 (`limit.txt`)."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=layer_environment(run.environment(), LAYERS),
        capture_output=True,
        text=True,
        check=True,
    )
    limits, visibility = json.loads(done.stdout)
    assert len(limits) == 4
    for soft, hard in limits:
        assert 0 < soft < hard < visibility
