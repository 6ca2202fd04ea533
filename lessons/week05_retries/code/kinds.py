"""Six failures, grouped by the fingerprints of the pipeline."""

import sys
from collections import defaultdict

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week

sys.path += [str(layer.path) for layer in reference_layers(find_week("5"))]

from pipeline.tasks.dead_letter import fingerprint

FAILURES = [
    ("embed", ConnectionError("no answer from 10.0.0.7 after 3.02 s")),
    ("embed", ConnectionError("no answer from 10.0.0.9 after 2.98 s")),
    ("index", ConnectionError("no answer from 10.0.0.7 after 3.00 s")),
    ("embed", KeyError("colour")),
    ("embed", KeyError("size")),
    ("embed", TypeError("a list is no text")),
]


def main() -> None:
    kinds: dict[str, list[str]] = defaultdict(list)
    for step, error in FAILURES:
        kinds[fingerprint(step, error)].append(f"{step}: {error!r}")
    for number, same in enumerate(kinds.values(), 1):
        print(f"kind {number}")
        for failure in same:
            print("  ", failure)


if __name__ == "__main__":
    main()
