"""Similarity: renamed copies are found, the scaffold and independent work are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autograder.classroom.policy.similarity import REFERENCE, Cluster, alike
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import Week, find_week

OWN = """
import csv
from collections import Counter


def tally(rows):
    found = Counter()
    with open("log", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            if not row["name"]:
                raise LookupError(f"line {line}")
            found[row["name"].strip()] += 1 if row["state"] == "done" else 0
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[: len(rows) // 3]


class Window:
    def __init__(self, width, height=3):
        self.cells = [[0] * width for _ in range(height)]

    def shift(self, by):
        while by > 0 and self.cells:
            self.cells.append(self.cells.pop(0)[::-1])
            by -= 1
        return [sum(row) ** 2 % 7 for row in self.cells]
"""


def test_a_renamed_copy_is_found_and_the_scaffold_is_not(
    folder: Callable[..., Path], week: Week
) -> None:
    week = find_week(week.name)
    scaffold = (week.exercises / "pipeline/producer.py").read_text()
    renamed = OWN.replace("tally", "count").replace("found", "seen").replace("cells", "grid")
    folders = {
        "anna": folder("anna", {"pipeline/producer.py": scaffold + OWN}),
        "ben": folder("ben", {"pipeline/producer.py": scaffold + "# my own\n" + renamed}),
        "cleo": folder("cleo", {"pipeline/producer.py": scaffold}),
        "dora": folder("dora", {"pipeline/producer.py": scaffold}),
        "emil": folder("emil", {"pipeline/producer.py": b"\xff\xfe\0 def ("}),
    }
    (cluster,) = alike(week, folders)
    assert cluster.members == ("anna", "ben")
    assert cluster.least > 0.8


def test_ten_equal_ones_are_one_group(folder: Callable[..., Path], week: Week) -> None:
    names = [f"s{number}" for number in range(10)]
    folders = {name: folder(name, {"pipeline/producer.py": OWN}) for name in names}
    (cluster,) = alike(week, folders)
    assert cluster == Cluster(tuple(names), 1.0, 1.0)


def test_who_has_copied_the_reference_is_beside_it(folder: Callable[..., Path]) -> None:
    week = find_week("5")
    files = {str(one): (week.solutions / one).read_bytes() for one in load_manifest(week).files}
    (cluster,) = alike(week, {"anna": folder("anna", files), "ben": folder("ben", {})})
    assert cluster.members == ("anna", REFERENCE)
