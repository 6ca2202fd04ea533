"""The page of proofs: every solution that the graders were tried on, and what came of it.

    make validate

runs all proofs, which note what they saw, and writes `VALIDATION.md` from the notes. A proof whose
outcome is not the expected one fails, and the page shows both.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from autograder.run.results import WeekResult
from bootcamp import paths
from bootcamp.course.outcome import Outcome

PAGE = paths.ROOT / "VALIDATION.md"
PASSED, LOST, LEFT = "✓", "✗", "·"
"""Full marks; no point; not checked, because the change cannot touch the item."""
KINDS = ("reference", "untouched", "undone", "wrong", "unlike", "cheat")
HEAD = """# Proofs

Every grader was tried on the solutions below, each on real services. The page is written by
`make validate`, and a test holds it to what there is to prove.

{passed} the item gets its points, {lost} it gets none, {left} the change cannot touch it, so it is
not checked. Where an outcome is not the expected one, the cell shows both: expected → observed.

| kind | solution |
|---|---|
| reference | ours, in the sandbox of a class: full marks |
| untouched | the exercises as handed out: nothing |
| undone | ours, with one item left as it was handed out |
| wrong | a realistic mistake: loses exactly its items |
| unlike | correct, and written otherwise: full marks |
| cheat | tries to gain points or to do harm, in the sandbox of a class: loses what it attacks |
"""


@dataclass(frozen=True)
class Proof:
    """One solution, and its items' marks: `PASSED`, `LOST` or `LEFT` by id."""

    week: str
    kind: str
    name: str
    expected: dict[str, str]
    observed: dict[str, str]
    key: str = ""
    """The hash of graders and solutions that it was tried with: `key`."""

    @property
    def holds(self) -> bool:
        return self.expected == self.observed

    def row(self) -> str:
        """Its line of the table."""
        cells = (
            mark if self.observed.get(item) == mark else f"{mark} → {self.observed.get(item, '?')}"
            for item, mark in self.expected.items()
        )
        return f"| {self.kind} | {self.name} | {' | '.join(cells)} |"


def marks(items: Iterable[str], lost: Iterable[str], checked: Iterable[str]) -> dict[str, str]:
    """The marks of a week's items: `lost` of those that are `checked` get no point."""
    gone, seen = set(lost), set(checked)
    return {item: LEFT if item not in seen else LOST if item in gone else PASSED for item in items}


def observed(items: Iterable[str], result: WeekResult) -> dict[str, str]:
    """The marks that a run came to. A grader error is neither: it shows as its name."""
    found = {one.item.id: one for one in result.items}
    return {item: mark(found[item].outcome) if item in found else LEFT for item in items}


def mark(outcome: Outcome) -> str:
    """How the page shows an outcome."""
    if outcome is Outcome.GRADER_ERROR:
        return outcome.value
    return PASSED if outcome is Outcome.PASSED else LOST


def key(graders: str, *changes: bytes) -> str:
    """A hash that changes with the graders and with any of the changes tried on them."""
    total = hashlib.sha256(graders.encode())
    for change in changes:
        total.update(hashlib.sha256(change).digest())
    return total.hexdigest()


def note(proof: Proof, folder: Path) -> None:
    """Keep a result for the page. Tests run in several processes, so each has a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(proof.week, proof.kind, proof.name, folder)
    file.write_text(json.dumps(asdict(proof)), encoding="utf-8")


def found(week: str, kind: str, name: str, folder: Path) -> Proof | None:
    """The result that was kept of a solution or cheat, if there is one that can be read."""
    file = _file(week, kind, name, folder)
    try:
        return Proof(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # never tried, or the call ended half way
        return None


def _file(week: str, kind: str, name: str, folder: Path) -> Path:
    return folder / (f"{week}-{kind}-{name}".replace("/", "_") + ".json")


def noted(folder: Path) -> list[Proof]:
    """All results that were kept, but those of solutions that are no longer there."""
    files = sorted(folder.glob("*.json"))
    kept = [Proof(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return [one for one in kept if _is_there(one)]


def _is_there(proof: Proof) -> bool:
    patch = paths.AUTOGRADER / proof.week / proof.kind / f"{proof.name}.patch"
    return proof.kind not in ("wrong", "unlike") or patch.is_file()


def page(proofs: Iterable[Proof]) -> str:
    """The page as Markdown: a table for each week."""
    ordered = sorted(proofs, key=lambda one: (one.week, KINDS.index(one.kind), one.name))
    lines = [HEAD.format(passed=PASSED, lost=LOST, left=LEFT)]
    for week, group in groupby(ordered, key=lambda one: one.week):
        lines += _table(week, list(group))
    return "\n".join(lines) + "\n"


def _table(week: str, proofs: list[Proof]) -> Iterator[str]:
    items = list(proofs[0].expected)
    held = sum(proof.holds for proof in proofs)
    yield f"## {week}\n"
    yield f"{held} of {len(proofs)} hold.\n"
    yield f"| kind | solution | {' | '.join(items)} |"
    yield f"|---|---|{'---|' * len(items)}"
    yield from (proof.row() for proof in proofs)
    yield ""


def main(folder: Path) -> int:
    """Write the page. Returns 1 where a proof does not hold."""
    proofs = noted(folder)
    PAGE.write_text(page(proofs), encoding="utf-8")
    broken = [proof for proof in proofs if not proof.holds]
    print(f"{PAGE.name}: {len(proofs) - len(broken)} of {len(proofs)} proofs hold.")
    return 1 if broken or not proofs else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
