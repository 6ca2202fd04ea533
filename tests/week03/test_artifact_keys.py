"""Artifacts are reused only if the same code made them from the same input."""

from __future__ import annotations

import subprocess
import sys

from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment
from tests.week03.conftest import LAYERS

PROGRAM = """
from pipeline.steps.artifacts import load_json
from pipeline.storage import blob_store
from pipeline.tasks import document_pipeline

def parse(document, content_type):
    return [{"number": 1, "text": "from the other parser"}]

blob_store().put("uploads/a", b"from the file")
ref = {"document_id": "a", "blob_key": "uploads/a", "content_type": "text/plain"}
for parser in (document_pipeline.PARSER, "__main__:parse", document_pipeline.PARSER):
    document_pipeline.PARSER = parser
    [page] = load_json(document_pipeline.parse_document(ref)["pages_key"])
    print(page["text"])
"""


def test_another_parser_does_not_reuse_the_pages(run: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=layer_environment(run.environment(), LAYERS),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["from the file", "from the other parser", "from the file"]
