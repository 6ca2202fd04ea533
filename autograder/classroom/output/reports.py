"""Pages for people: one per student, one for the class. HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.card import clean
from autograder.classroom.execution.fingerprint import versions
from autograder.classroom.intake.names import MAX_SENTENCE, file_stem, shown
from autograder.classroom.output.plots import failure_rates, score_distribution, time_per_item
from autograder.classroom.policy.changes import Batch
from autograder.classroom.policy.late import Policy
from autograder.classroom.policy.misconceptions import misconceptions
from autograder.classroom.policy.rubric import Rubric
from autograder.classroom.policy.similarity import Cluster
from autograder.classroom.policy.summary import Grade, by_section, counts, statistics
from bootcamp.course.manifest import Manifest, points_text
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week

REPORTS = "reports"
"""The folder of the students' pages, beside the class page."""
PLOTS = (score_distribution, failure_rates, time_per_item)
FEWEST = 5
"""On a page without names, a section with fewer students with points has no statistics."""
SIGNS = {
    Outcome.PASSED: "✓ passed",
    Outcome.FAILED: "✗ failed",
    Outcome.SKIPPED: "– skipped",
    Outcome.NOT_GRADABLE: "! not gradable",
    Outcome.GRADER_ERROR: "? grader error",
    Outcome.UNAVAILABLE: "○ unavailable",
}


@dataclass(frozen=True)
class Pages:
    """Makes the pages of one week's class."""

    week: Week
    manifest: Manifest
    policy: Policy
    rubric: Rubric | None = None

    def student(self, grade: Grade) -> str:
        """A student's page. It shows no seed: seeds bring hidden inputs back."""
        template = _environment(self.policy.zone).get_template("student.html.j2")
        return template.render(
            grade=grade,
            week=self.week.name,
            week_title=self.title,
            extra_items=self.policy.extra_items,
        )

    def whole_class(
        self,
        grades: Sequence[Grade],
        seed: int,
        problems: Sequence[str] = (),
        clusters: Sequence[Cluster] = (),
        changed: Batch | None = None,
        *,
        names: bool = True,
    ) -> str:
        """The instructor's page; without names it may be shown to the class."""
        stats = statistics(grades, self.manifest)
        template = _environment(self.policy.zone).get_template("class.html.j2")
        links = {
            one.student.id: quote(f"{REPORTS}/{file_stem(one.student.id)}.html") for one in grades
        }
        return template.render(
            week_title=self.title,
            grades=grades,
            seed=seed,
            problems=problems,
            clusters=clusters,
            changed=changed,
            stats=stats,
            names=names,
            sections=by_section(grades, self.manifest),
            fewest=FEWEST,
            misconceptions=misconceptions(self.week, stats),
            plots=[plot(stats) for plot in PLOTS] if any(one.times for one in stats.items) else [],
            counts=counts(grades),
            max_score=grades[0].max_score if grades else 0,
            passed=Outcome.PASSED,
            links=links,
            times=[grade.record.seconds for grade in grades if grade.record],
            policy=self.policy,
            rubric=self.rubric,
            versions=versions(),
        )

    @property
    def title(self) -> str:
        """The week's number and name, for people."""
        slug = self.week.name.partition("_")[2].replace("_", " ")
        return f"Week {self.week.number}: {slug}"


@cache
def _environment(zone: ZoneInfo) -> Environment:
    """Templates that escape every value, and fail on a name that is not there."""
    environment = Environment(
        loader=PackageLoader("autograder.classroom.output"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "line": shown,
        "sentence": lambda text: shown(text, MAX_SENTENCE),
        "safe_text": clean,
        "points": lambda value: f"{value:g}",
        "points_of": points_text,
        "duration": duration,
        "sign": SIGNS.__getitem__,
        "moment": lambda value: _local(value, zone),
    }
    return environment


def _local(value: datetime, zone: ZoneInfo) -> str:
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def duration(minutes: float) -> str:
    """Minutes as a person says them: `2 d 3 h`, `15 min`."""
    whole = max(1, round(minutes))
    days, hours, rest = whole // 1440, whole % 1440 // 60, whole % 60
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours)
    return " ".join(parts + [f"{rest} min"] * (bool(rest) and not days))
