"""The bench of whole documents: what it sends is real, and what it reports is what was measured."""

from __future__ import annotations

import base64
import io
import json
import os
import random
from pathlib import Path

import numpy as np
import pypdfium2
from pypdf import PdfReader
from rich.console import Console

from bootcamp.bench.ingest import cpu, others, report
from bootcamp.bench.ingest.corpus import make_corpus, make_report
from bootcamp.bench.ingest.endpoint import answer
from bootcamp.bench.ingest.peers import PEERS
from bootcamp.bench.ingest.report import Results
from bootcamp.bench.ingest.scaling import Accepted
from bootcamp.bench.ingest.stage import Measured


def test_the_documents_are_the_same_each_time_and_both_parsers_read_the_same_words(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    pages = make_corpus(tmp_path / "a", 3)
    assert pages == make_corpus(tmp_path / "b", 3)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    data = make_report(random.Random(1), 2)
    slow = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    fast = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)]
    assert len(slow) == len(fast) == 2
    for one, other in zip(slow, fast, strict=True):
        assert "".join(one.split()) == "".join(other.split())
        assert len(one) > 2_500


def test_the_endpoint_gives_equal_texts_equal_vectors_in_both_encodings():
    body = {"model": "m", "input": ["one", "two", "one"], "encoding_format": "base64"}
    data = json.loads(answer(body))["data"]
    vectors = [np.frombuffer(base64.b64decode(one["embedding"]), np.float32) for one in data]
    assert [one["index"] for one in data] == [0, 1, 2]
    assert np.array_equal(vectors[0], vectors[2]) and not np.array_equal(vectors[0], vectors[1])
    assert abs(np.linalg.norm(vectors[0]) - 1) < 1e-5
    plain = json.loads(answer({"model": "m", "input": "one"}))["data"][0]["embedding"]
    assert np.allclose(plain, vectors[0])


def test_processor_time_counts_this_process():
    groups = {"me": [os.getpid()], "gone": [2**22 + 1]}
    before = cpu.used(groups)
    while cpu.between(before, cpu.used(groups))["me"] < 0.05:
        sum(range(10_000))
    assert cpu.between(before, cpu.used(groups))["gone"] == 0.0


def test_a_missing_peer_is_named_with_the_line_that_installs_it(monkeypatch, tmp_path, capsys):
    assert set(others.PEERS) == set(PEERS)
    monkeypatch.setattr(others, "PYTHON", tmp_path / "none")
    absent = [peer for peer in others.PEERS if others.missing(peer)]
    assert absent == list(others.PEERS)
    others.say_missing(absent)
    said = capsys.readouterr().err
    assert "LlamaIndex, pypdf" in said and "make bench-peers" in said


def measured(name: str, seconds: float, **used: float) -> Measured:
    return Measured(name, 10, 100, seconds, used)


def test_the_report_compares_with_langchain_and_keeps_the_best_run(tmp_path: Path, capsys):
    results = Results(80)
    results.add(measured("other", 20.0, workers=1.0))
    results.add(measured(report.BASE, 10.0, PostgreSQL=0.5, workers=0.5))
    results.add(measured("ours", 4.0, PostgreSQL=3.0, workers=1.0))
    results.add(measured("ours", 2.0, PostgreSQL=1.5, workers=0.5))
    results.workers = [measured("1 worker", 10.0), measured("5 workers", 2.0)]
    times = {"bare": 0.02, "kept": 0.04, "ours": 0.05}
    results.acceptance = [Accepted(name, 9, 0, 0.01, p99) for name, p99 in times.items()]
    rows = {row["name"]: row for row in json.loads(report.as_json(results))["rows"]}
    assert [rows[name]["ratio"] for name in ("other", report.BASE, "ours")] == [0.5, 1.0, 5.0]
    assert rows["ours"]["runs"] == 2 and rows["ours"]["cpu_per_document"]["PostgreSQL"] == 0.15
    report.show(results, Console(width=120))
    said = capsys.readouterr().out
    assert "5.00 times as many" in said and "2.50 times the bare" in said and "75%" in said
    report.draw(results, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
