"""How alike the submissions of a class are: winnowing of token k-grams, by copydetect.

Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting (SIGMOD 2003).
Names and comments do not count, and what stands in the scaffold does not either. It all happens on
this machine. A short exercise has few correct answers, so a high share is a reason to look, no more.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
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
"""Two are alike when one shares this much with the other."""
MAX_CLUSTERS = 50
REFERENCE = "the reference solution"
"""Takes part in the comparison: a student who has copied it is found beside it."""


@dataclass(frozen=True)
class Cluster:
    """Submissions of which each is alike to another one of them."""

    members: tuple[str, ...]
    least: float
    """The smallest share of a member's own code that stands in a member that it is alike to."""
    most: float


def alike(week: Week, folders: Mapping[str, Path]) -> tuple[Cluster, ...]:
    """Groups of students whose own code is alike, the most alike first."""
    import numpy as np

    files = [str(file) for file in load_manifest(week).files if file.suffix == ".py"]
    scaffold = np.unique(list(_fingerprint(week.exercises, files).hashes))
    everybody = {**folders, REFERENCE: week.solutions}
    prints = {name: _fingerprint(folder, files, scaffold) for name, folder in everybody.items()}
    written = {name: one for name, one in prints.items() if one.token_coverage >= MIN_TOKENS}
    shares: dict[frozenset[str], tuple[float, float]] = {}
    for one, other in combinations(sorted(written), 2):
        both = _shares(written[one], written[other])
        if max(both) >= SHOWN_FROM:
            shares[frozenset((one, other))] = both
    found = [_cluster(group, shares) for group in _connected(shares)]
    return tuple(sorted(found, key=lambda one: (-one.most, one.members))[:MAX_CLUSTERS])


def _connected(pairs: Iterable[frozenset[str]]) -> list[set[str]]:
    """The groups that pairs form together."""
    groups: list[set[str]] = []
    for pair in pairs:
        touched = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair]
        groups.append(set(pair).union(*touched))
    return groups


def _cluster(group: set[str], shares: Mapping[frozenset[str], tuple[float, float]]) -> Cluster:
    found = [share for pair, both in shares.items() if pair <= group for share in both]
    return Cluster(tuple(sorted(group)), min(found), max(found))


def _shares(one: Any, other: Any) -> tuple[float, float]:
    """What share of each stands in the other."""
    from copydetect import compare_files

    _, (of_one, of_other), _ = compare_files(one, other)
    return min(float(of_one), 1.0), min(float(of_other), 1.0)


def _fingerprint(folder: Path, files: list[str], scaffold: Any = ()) -> Any:
    """The fingerprint of one submission's homework, all files together."""
    from copydetect import CodeFingerprint  # imports matplotlib, which takes a second

    paths = [folder / file for file in files]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]
    text = io.StringIO("\n".join(texts))
    return CodeFingerprint(
        "homework.py", NOISE, WINDOW, boilerplate=scaffold, language="python", fp=text
    )
