"""Carry one patch from the solutions it was made on to the solutions of today: texts in, texts out.

All names are relative to `solutions/`: `week05_retries/pipeline/tasks/retry.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from autograder.validation import git_tools
from autograder.validation.close_changes import merge_close_changes
from autograder.validation.git_tools import Merge
from autograder.validation.moved_code import apply_where_it_went
from autograder.validation.patch_file import Files, PatchText, unified


class State(StrEnum):
    """What became of a patch. All but the first two need a person."""

    KEPT = "kept"
    CARRIED = "carried"
    CONFLICT = "conflict"
    NO_EFFECT = "no effect"
    DOES_NOT_APPLY = "does not apply"
    BROKEN = "broken code"
    SEVERAL_WEEKS = "several weeks"
    OTHER_ITEMS = "other items"


FINE = (State.KEPT, State.CARRIED)


@dataclass(frozen=True)
class Base:
    """Solutions that a patch may have been made on, and where their files are today."""

    name: str
    files: Files
    moved: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Today's names of a file that was renamed, or of which a copy was made."""


@dataclass(frozen=True)
class Outcome:
    """What became of one patch."""

    state: State
    week: str
    """The folder of the week that the patch belongs to now."""
    diff: str = ""
    """The new diff; empty where the old one stays."""
    file: str = ""
    line: int | None = None
    reason: str = ""
    after: Files = field(default_factory=dict)
    """The changed files, with conflict markers where there are conflicts."""


def carry(patch: PatchText, week: str, bases: Sequence[Base], today: Files) -> Outcome:
    """Carry `patch` of `week` over: from the first of `bases` that it applies to, to `today`."""
    reasons: list[str] = []
    for base in bases:
        patched = _apply(patch, week, base.files)
        if isinstance(patched, str):
            reasons.append(f"{base.name}: {patched}")
            continue
        if all(base.files.get(name) == today.get(name) for name in patched):
            return Outcome(State.KEPT, week)
        return carry_change(patch, week, base, patched, today)
    if not isinstance(_apply(patch, week, today), str):
        return Outcome(State.KEPT, week)
    names = [f"{week}/{name}" for name in patch.files]
    return Outcome(
        State.DOES_NOT_APPLY,
        week,
        file=names[0] if names else "",
        reason="; ".join(reasons),
        after={name: today[name] for name in names if name in today},
    )


def carry_change(patch: PatchText, week: str, base: Base, patched: Files, today: Files) -> Outcome:
    """Merge the change from `base` to `patched` onto `today`, file by file."""
    changes = {name: text for name, text in patched.items() if text != base.files.get(name)}
    after: dict[str, str] = {}
    conflict: Outcome | None = None
    for name, text in changes.items():
        target, merge = _merge_file(name, base, text, today)
        if merge.conflict_line is not None and conflict is None:
            reason = _conflict_reason(name, target, today)
            conflict = Outcome(
                State.CONFLICT, week, file=target, line=merge.conflict_line, reason=reason
            )
        after[target] = merge.text
    if conflict is not None:
        return replace(conflict, after=after)
    return _result(patch, week, after, today)


def _apply(patch: PatchText, week: str, files: Files) -> Files | str:
    names = [name for name in patch.files if f"{week}/{name}" in files]
    found = git_tools.apply(patch.diff, {name: files[f"{week}/{name}"] for name in names})
    if isinstance(found, str):
        return found
    return {f"{week}/{name}": text for name, text in found.items()}


def _merge_file(name: str, base: Base, patched: str, today: Files) -> tuple[str, Merge]:
    """Return today's name of the file and the merge: a clean one where any place takes it."""
    before = base.files.get(name, "")
    places = [name, *base.moved.get(name, ())]
    tried: list[tuple[str, Merge]] = []
    for place in dict.fromkeys(places):
        if place not in today and before:
            continue
        merge = _merge(today.get(place, ""), before, patched)
        if merge.conflict_line is None and merge.text != today.get(place):
            return place, merge
        tried.append((place, merge))
    moved = apply_where_it_went(before, patched, today)
    if moved is not None:
        return moved[0], Merge(moved[1])
    unchanged = [one for one in tried if one[1].conflict_line is None]
    conflicts = [one for one in tried if one[1].conflict_line is not None]
    return next(iter([*conflicts, *unchanged]), (name, Merge("", 1)))


def _merge(current: str, base: str, other: str) -> Merge:
    merge = git_tools.merge(current, base, other)
    if merge.conflict_line is None:
        return merge
    text = merge_close_changes(current, base, other)
    return merge if text is None else Merge(text)


def _conflict_reason(name: str, target: str, today: Files) -> str:
    if target not in today:
        return f"{name} is gone, and git sees no file that it was renamed to"
    return "the solution has changed in the lines that the patch changes"


def _result(patch: PatchText, week: str, after: Files, today: Files) -> Outcome:
    changed = {name: text for name, text in after.items() if text != today.get(name)}
    if not changed:
        file = next(iter(after), "")
        reason = "the solution is now what the patch makes of it"
        return Outcome(State.NO_EFFECT, week, file=file, reason=reason, after=after)
    weeks = {name.partition("/")[0] for name in changed}
    if len(weeks) > 1:
        listed = ", ".join(sorted(changed))
        reason = f"its files are in several weeks now: {listed}"
        return Outcome(State.SEVERAL_WEEKS, week, file=min(changed), reason=reason, after=changed)
    (now,) = weeks
    if now == week:
        as_it_is = _apply(patch, week, today)
        if not isinstance(as_it_is, str) and _differing(as_it_is, today) == changed:
            return Outcome(State.KEPT, week)
    inside = {name.partition("/")[2]: text for name, text in changed.items()}
    before = {name: today[f"{now}/{name}"] for name in inside if f"{now}/{name}" in today}
    return Outcome(State.CARRIED, now, unified(before, inside), min(changed), after=changed)


def _differing(files: Files, today: Files) -> Files:
    return {name: text for name, text in files.items() if text != today.get(name)}
