"""Runs the peers of `peers.py`, each on a database of its own. A peer that is not installed is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bootcamp import paths
from bootcamp.bench.ingest import cpu
from bootcamp.bench.ingest.stage import ANSWER_SECONDS, Measured, Stage
from bootcamp.environment import built
from bootcamp.errors import StackError

PEERS = {
    "langchain-pypdf": ("LangChain, pypdf", "langchain_postgres"),
    "langchain-pypdfium2": ("LangChain, pypdfium2", "langchain_postgres"),
    "langchain-pypdfium2-hnsw": ("LangChain, pypdfium2, HNSW", "langchain_postgres"),
    "llamaindex-pypdf": ("LlamaIndex, pypdf", "llama_index.vector_stores.postgres"),
}
"""The name that the table shows, and the module that must be installed."""
PYTHON = Path(".venv-peers/bin/python")
INSTALL = "make bench-peers"
SCRIPT = Path(__file__).with_name("peers.py")
PROBE_SECONDS = 30


def python() -> Path:
    """The interpreter of the peers' environment."""
    return paths.ROOT / PYTHON


def missing(peer: str) -> bool:
    """Whether a peer is not installed."""
    if not python().exists():
        return True
    words = [str(python()), "-c", f"import {PEERS[peer][1]}"]
    return (
        subprocess.run(words, capture_output=True, timeout=PROBE_SECONDS, check=False).returncode
        != 0
    )


def measure_peer(stage: Stage, peer: str) -> Measured:
    """Let a peer take in all documents.

    Raises:
        StackError: it ended with an error, which is in the message.
    """
    name, _ = PEERS[peer]
    log = stage.folder / f"{peer}.log"
    with stage.endpoint(ANSWER_SECONDS) as endpoint, stage.database("bench_peer") as url:
        env = built() | endpoint.environment() | {"DATABASE_URL": url}
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [str(python()), str(SCRIPT), peer, str(stage.folder)],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                groups = stage.groups(endpoint=[endpoint.pid], workers=[process.pid])
                return _timed(process, groups, name, log)
            finally:
                process.kill()
                process.wait()


def _timed(process: subprocess.Popen[str], groups: cpu.Groups, name: str, log: Path) -> Measured:
    assert process.stdin and process.stdout
    if process.stdout.readline().strip() != "ready":
        raise StackError(f"{name} did not start:\n{log.read_text()[-2000:]}")
    before = cpu.used(groups)
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    used = cpu.between(before, cpu.used(groups))
    if not line:
        raise StackError(f"{name} ended with an error:\n{log.read_text()[-2000:]}")
    done = json.loads(line)
    return Measured(name, done["documents"], done["chunks"], done["seconds"], used)


def say_missing(names: list[str]) -> None:
    """Name the peers that are left out, and how to install them."""
    if names:
        shown = ", ".join(PEERS[name][0] for name in names)
        print(f"Not installed, so left out: {shown}. Install them: {INSTALL}", file=sys.stderr)
