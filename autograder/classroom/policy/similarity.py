"""How alike the submissions of a class are: winnowing of token k-grams, by copydetect.

Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting (SIGMOD 2003).
Names and comments do not count, and what stands in the scaffold does not either. It all happens on
this machine. A short exercise has few correct answers, so a high share is a reason to look, no more.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week

NOISE = 25
"""Matches of fewer characters (of filtered code) than this are chance."""
WINDOW = 1
"""Keep every fingerprint: homework files are short."""
MIN_TOKENS = 150
"""Who wrote less than this, beyond the scaffold, is not compared."""
SHOWN_FROM = 0.8
"""Pairs are listed when one shares this much with the other."""
MAX_PAIRS = 50


@dataclass(frozen=True)
class Pair:
    """Two submissions, and what share of each stands in the other."""

    one: str
    other: str
    of_one: float
    of_other: float


def alike(week: Week, folders: Mapping[str, Path]) -> tuple[Pair, ...]:
    """Pairs of students whose own code is alike, the most alike first."""
    import numpy as np

    files = [str(file) for file in load_manifest(week).files if file.suffix == ".py"]
    scaffold = np.unique(list(_fingerprint(week.exercises, files).hashes))
    prints = {name: _fingerprint(folder, files, scaffold) for name, folder in folders.items()}
    written = {name: one for name, one in prints.items() if one.token_coverage >= MIN_TOKENS}
    pairs = (_compare(one, other, written) for one, other in combinations(sorted(written), 2))
    found = [pair for pair in pairs if max(pair.of_one, pair.of_other) >= SHOWN_FROM]
    found.sort(
        key=lambda pair: (-max(pair.of_one, pair.of_other), -min(pair.of_one, pair.of_other))
    )
    return tuple(found[:MAX_PAIRS])


def _compare(one: str, other: str, prints: Mapping[str, Any]) -> Pair:
    from copydetect import compare_files

    _, (of_one, of_other), _ = compare_files(prints[one], prints[other])
    return Pair(one, other, min(float(of_one), 1.0), min(float(of_other), 1.0))


def _fingerprint(folder: Path, files: list[str], scaffold: Any = ()) -> Any:
    """The fingerprint of one submission's homework, all files together."""
    from copydetect import CodeFingerprint  # imports matplotlib, which takes a second

    paths = [folder / file for file in files]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]
    text = io.StringIO("\n".join(texts))
    return CodeFingerprint(
        "homework.py", NOISE, WINDOW, boilerplate=scaffold, language="python", fp=text
    )
