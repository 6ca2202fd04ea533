"""The page of grader validation: every solution that the graders were tried on, and its result.

    make validate

tries all solutions, notes each result, and writes `VALIDATION.md` from the notes. A trial whose
result is not the expected one fails, and the page shows both.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from autograder.run.results import WeekResult
from autograder.validation import fresh_eyes
from autograder.validation.mutants import mutants
from autograder.validation.promises import promises
from bootcamp import paths
from bootcamp.course.manifest import graded_weeks
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import find_week

PAGE = paths.ROOT / "VALIDATION.md"
PASSED, LOST, LEFT = "✓", "✗", "·"
"""Full marks; no point; not checked, because the change cannot touch the item."""
KINDS = ("reference", "untouched", "undone", "wrong", "unlike", "cheat")
MUTANT = "mutant"
MAX_STEM_LETTERS = 80
"""A kind without rows on the page: it says how many of them were noticed."""
HEAD = """# Grader validation

Every grader was tried on the solutions below, each on real services. `make validate` writes this
page, and a test fails when a solution is missing from it.

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
FRESH_EYES = """## With fresh eyes

An author who saw neither graders nor earlier solutions wrote these, from lesson and TODO alone. The
figures are from before the graders were corrected: what passed became a check or a corrected promise.
"""


@dataclass(frozen=True)
class Trial:
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
    if not outcome.judged:
        return outcome.value
    return PASSED if outcome is Outcome.PASSED else LOST


def key(graders: str, *changes: bytes) -> str:
    """A hash that changes with the graders and with any of the changes tried on them."""
    total = hashlib.sha256(graders.encode())
    for change in changes:
        total.update(hashlib.sha256(change).digest())
    return total.hexdigest()


def note(trial: Trial, folder: Path) -> None:
    """Keep a result for the page. Tests run in several processes, so each has a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(trial.week, trial.kind, trial.name, folder)
    new = file.with_suffix(".new")  # renamed when whole: the call may be ended half way
    new.write_text(json.dumps(asdict(trial)), encoding="utf-8")
    new.replace(file)


def found(week: str, kind: str, name: str, folder: Path) -> Trial | None:
    """The result that was kept of a solution or cheat, if there is one that can be read."""
    file = _file(week, kind, name, folder)
    try:
        return Trial(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # never tried, or the call ended half way
        return None


def _file(week: str, kind: str, name: str, folder: Path) -> Path:
    stem = f"{week}-{kind}-{name}".replace("/", "_")
    if len(stem) > MAX_STEM_LETTERS:  # a mutant of a long statement; a file system allows 255 bytes
        stem = f"{stem[:MAX_STEM_LETTERS]}-{zlib.crc32(stem.encode()):08x}"
    return folder / f"{stem}.json"


def noted(folder: Path) -> list[Trial]:
    """All results that were kept, but those of solutions that are no longer there."""
    files = sorted(folder.glob("*.json"))
    kept = [Trial(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return [one for one in kept if _is_there(one)]


def _is_there(trial: Trial) -> bool:
    if trial.kind == MUTANT:
        return trial.name in {one.name for one in mutants(find_week(trial.week))}
    patch = paths.AUTOGRADER / trial.week / trial.kind / f"{trial.name}.patch"
    return trial.kind not in ("wrong", "unlike") or patch.is_file()


def page(trials: Iterable[Trial]) -> str:
    """The page as Markdown: a table for each week."""
    trials = list(trials)
    mutants = [one for one in trials if one.kind == MUTANT]
    shown = [one for one in trials if one.kind != MUTANT]
    ordered = sorted(shown, key=lambda one: (one.week, KINDS.index(one.kind), one.name))
    lines = [HEAD.format(passed=PASSED, lost=LOST, left=LEFT)]
    lines += [FRESH_EYES, *fresh_eyes.table(graded_weeks()), ""]
    for week, group in groupby(ordered, key=lambda one: one.week):
        lines += _table(week, list(group), [one for one in mutants if one.week == week])
    return "\n".join(lines) + "\n"


def _table(week: str, trials: list[Trial], mutants: list[Trial]) -> Iterator[str]:
    items = list(trials[0].expected)
    held = sum(trial.holds for trial in trials)
    yield f"## {week}\n"
    yield f"{held} of {len(trials)} hold.\n"
    yield f"{promises_line(week)}\n"
    if mutants:
        noticed = sum(one.holds for one in mutants)
        yield f"{noticed} of {len(mutants)} small mechanical changes in the blanks are noticed.\n"
    yield f"| kind | solution | {' | '.join(items)} |"
    yield f"|---|---|{'---|' * len(items)}"
    yield from (trial.row() for trial in trials)
    yield ""


def promises_line(week: str) -> str:
    """How many promises the week's exercises make."""
    count = len(promises(find_week(week)))
    return f"{count} promises. Each has a check, and a wrong solution that breaks it."


def main(folder: Path) -> int:
    """Write the page. Returns 1 if a trial does not hold."""
    trials = noted(folder)
    PAGE.write_text(page(trials), encoding="utf-8")
    broken = [trial for trial in trials if not trial.holds]
    print(f"{PAGE.name}: {len(trials) - len(broken)} of {len(trials)} trials hold.")
    return 1 if broken or not trials else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
