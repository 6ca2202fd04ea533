"""The report of a run, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from bootcamp.bench.chaos.clients import Uploads
from bootcamp.bench.chaos.collecting import Collector
from bootcamp.bench.chaos.judging import COMPLETED, Finding, Records, Verdict, judge
from bootcamp.bench.chaos.running import Course
from bootcamp.bench.chaos.timeline import Timeline

MOST_FINDINGS = 20
"""More of a kind are counted, and not printed."""


@dataclass(frozen=True)
class Report:
    """What a run has shown."""

    seed: int
    jobs: int
    course: Course
    verdict: Verdict
    timeline: Timeline
    requests: int
    refused: list[str]
    failures: dict[str, int]
    """Why jobs failed, and how many of them."""
    given_up: tuple[str, ...] = ()
    """Processes that ended too often, so that the supervisor did not start them again."""

    @classmethod
    def of(
        cls,
        seed: int,
        jobs: int,
        course: Course,
        uploads: Uploads,
        collector: Collector,
        records: Records,
        given_up: tuple[str, ...],
    ) -> Self:
        """Judge the records of a run."""
        times = [datetime.fromisoformat(one.at).timestamp() for one in records.endings]
        return cls(
            seed=seed,
            jobs=jobs,
            course=course,
            verdict=judge(records),
            timeline=Timeline(
                accepted=[one.at - course.started for one in records.accepted],
                ended=[at - course.started for at in times],
                faults=sorted(course.faults, key=lambda one: one.began),
            ),
            requests=uploads.tries,
            refused=list(uploads.refused),
            failures=dict(Counter(collector.failures.values())),
            given_up=given_up,
        )

    @property
    def sound(self) -> bool:
        """Whether every document was accepted and completed, and nothing was lost or doubled.

        All faults end, so no job may fail for good, and no client may be refused.
        """
        every = self.verdict.ended == {COMPLETED: self.jobs} and self.verdict.accepted == self.jobs
        quiet = not (self.refused or self.given_up or self.course.stalled)
        return every and quiet and self.verdict.sound

    @property
    def drained(self) -> float:
        """Seconds from the last upload or the end of the last fault, whichever was later, to the last end."""
        line = self.timeline
        begin = max([0.0, *line.accepted, *(one.ended for one in line.faults)])
        return max(0.0, max(line.ended, default=0.0) - begin)

    @property
    def title(self) -> str:
        """The headline of the picture."""
        found = self.verdict
        faults = sum(one.done for one in self.timeline.faults)
        numbers = f"{found.accepted} accepted, {len(found.lost)} lost, {len(found.doubled)} doubled"
        return f"{numbers} under {faults} faults (seed {self.seed})"

    def text(self) -> str:
        """The report for people."""
        found = self.verdict
        ids = ", ".join(f"{count} jobs with {ids}" for ids, count in found.ids_per_job.items())
        ends = ", ".join(f"{count} {state}" for state, count in found.ended.items())
        lines = ["", *(one.line for one in self.timeline.faults), ""]
        lines += [
            f"accepted      {found.accepted} of {self.jobs}, with {self.requests} requests",
            f"ended         {ends or 'none'}",
            f"lost          {len(found.lost)}",
            f"doubled       {len(found.doubled)}",
            f"webhook ids   {ids or 'none'} ({found.repeated} requests with an id that had arrived)",
            f"drained       {self.drained:.1f} s after the last fault and upload",
            f"whole run     {self.timeline.last:.0f} s, seed {self.seed}",
        ]
        lines += [f"failed        {count} x {why}" for why, count in self.failures.items()]
        lines += [f"refused       {one}" for one in self.refused[:MOST_FINDINGS]]
        lines += [f"given up      {name}: it ended too often" for name in self.given_up]
        lines += findings("LOST", found.lost) + findings("DOUBLED", found.doubled)
        lines += ["It was interrupted: jobs that run now count as lost."] * self.course.interrupted
        lines += ["No job made progress, so the run was stopped."] * self.course.stalled
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        found = self.verdict
        return {
            "seed": self.seed,
            "jobs": self.jobs,
            "accepted": found.accepted,
            "ended": dict(found.ended),
            "lost": [asdict(one) for one in found.lost],
            "doubled": [asdict(one) for one in found.doubled],
            "webhook_ids_per_job": {str(ids): count for ids, count in found.ids_per_job.items()},
            "repeated_requests": found.repeated,
            "drained_seconds": round(self.drained, 1),
            "seconds": round(self.timeline.last, 1),
            "requests": self.requests,
            "refused": self.refused,
            "failures": self.failures,
            "given_up": list(self.given_up),
            "faults": [asdict(one) for one in self.timeline.faults],
            "interrupted": self.course.interrupted,
            "stalled": self.course.stalled,
        }


def findings(word: str, found: Iterable[Finding]) -> list[str]:
    """A line for each finding, up to a limit."""
    all_of_them = list(found)
    lines = [
        f"{word:13} document {one.document}, job {one.job_id}: {one.why}"
        for one in all_of_them[:MOST_FINDINGS]
    ]
    more = len(all_of_them) - len(lines)
    return [*lines, f"{word:13} and {more} more"] if more else lines
