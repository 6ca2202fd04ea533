"""`make chaos`: upload documents to the reference pipeline, and break everything around them.

A seeded schedule of faults runs while the documents are processed. Then the stores are read: nothing that
was accepted may be lost, and nothing may be doubled.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from bootcamp.bench.chaos import namespace, running
from bootcamp.bench.chaos.clients import Uploads
from bootcamp.bench.chaos.collecting import Collector, Unreadable
from bootcamp.bench.chaos.faults import calm
from bootcamp.bench.chaos.judging import Records
from bootcamp.bench.chaos.reporting import Report
from bootcamp.bench.chaos.schedule import Kind, Lengths, Planned, plan
from bootcamp.bench.chaos.stand import LEASE_SECONDS, Stand, mistakes, standing
from bootcamp.bench.chaos.timeline import draw
from bootcamp.errors import BootcampError

FOLDER = Path(".bootcamp/chaos")
JOBS, WORKERS = 200, 3
JOBS_PER_SECOND = 2.5
"""How fast documents are uploaded. Two cores process about so many while they are disturbed."""
PATIENCE_SECONDS = 90.0
"""After the last fault: if no job is accepted and none ends for this long, what is open is lost."""
LONG = Lengths(
    {
        Kind.NODE_FROZEN: 2.5 * LEASE_SECONDS,
        Kind.REDIS_RESTARTED: 3,
        Kind.POSTGRES_RESTARTED: 3,
        Kind.DYNAMODB_AWAY: 20,
        Kind.DISK_FULL: 6,
        Kind.PROVIDER_STORM: 10,
    }
)
SHORT = Lengths(
    {
        Kind.NODE_FROZEN: 1.5 * LEASE_SECONDS,
        Kind.REDIS_RESTARTED: 1,
        Kind.POSTGRES_RESTARTED: 1,
        Kind.DYNAMODB_AWAY: 4,
        Kind.DISK_FULL: 2,
        Kind.PROVIDER_STORM: 3,
    },
    gap=1.5,
    rest=4,
)
"""For the tests: every kind once, within half a minute."""


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help="how many documents")
    parser.add_argument(
        "--seed", type=int, help="of the schedule; another one each time if left out"
    )
    parser.add_argument("--workers", type=int, default=WORKERS, help="how many worker nodes")
    parser.add_argument(
        "--only", nargs="+", choices=[one.name.lower() for one in Kind], help="kinds"
    )
    parser.add_argument("--quick", action="store_true", help="short faults, each kind once")
    parser.add_argument(
        "--mistake", choices=mistakes(), help="a pipeline that is wrong in this way"
    )
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_SECONDS, help="without progress, s"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for report, picture and logs")
    return parser.parse_args(words)


def main() -> int:
    """Run it. Returns 0, or 1 if anything was lost or doubled, or 130 after Ctrl-C."""
    asked = options()
    namespace.enter()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    console = Console(stderr=True, highlight=False)
    console.print(f"seed {seed}: {asked.jobs} documents, {asked.workers} worker nodes. Starting …")
    asked.folder.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    try:
        logs = asked.folder.resolve() / "logs"
        with standing(asked.jobs, asked.workers, logs, asked.mistake) as stand:
            reports.append(break_it(stand, asked, seed, console))
    except BootcampError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # while it started or stopped
        if reports:
            show(reports[0], asked)
        return 130
    return show(reports[0], asked)


def break_it(stand: Stand, asked: argparse.Namespace, seed: int, console: Console) -> Report:
    """Upload, break, wait, and judge."""
    seconds = asked.jobs / JOBS_PER_SECOND
    planned = schedule(asked, seed, seconds)
    course, collector = running.Course(), Collector(stand)
    uploads = Uploads(stand, seed, asked.jobs, max(seconds, planned[-1].until if planned else 0))
    calm(stand)
    console.print(f"All is up. {len(planned)} faults follow. Logs: {stand.folder}")
    stand.apps.say = lambda sentence: console.print(sentence.partition(". Its")[0], style="dim")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("starting", total=2 * asked.jobs)

        def tell(progress: running.Progress) -> None:
            text = f"{progress.accepted} accepted, {progress.ended} ended of {progress.total}"
            bar.update(task, completed=progress.accepted + progress.ended, description=text)

        faults = running.Faults(stand, planned, course, console.print)
        running.run(uploads, faults, collector, course, asked.jobs, tell, asked.patience)
    records = known(collector, uploads)
    given_up = tuple(one.name for one in stand.apps.given_up)
    return Report.of(seed, asked.jobs, course, uploads, collector, records, given_up)


def known(collector: Collector, uploads: Uploads) -> Records:
    """All records, also if the run was interrupted."""
    with suppress(Unreadable):
        collector.look()
    return collector.records(uploads.accepted)


def schedule(asked: argparse.Namespace, seed: int, seconds: float) -> list[Planned]:
    """The faults of this run."""
    names = asked.only or [one.name.lower() for one in Kind]
    kinds = [one for one in Kind if one.name.lower() in names]
    lengths = SHORT if asked.quick else LONG
    return plan(seed, 0 if asked.quick else seconds, kinds, asked.workers, lengths)


def show(report: Report, asked: argparse.Namespace) -> int:
    """Print the report, write it to files, and return the exit code."""
    picture = asked.folder / "timeline.png"
    draw(report.timeline, report.title, picture)
    (asked.folder / "report.txt").write_text(report.text())
    (asked.folder / "report.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
    print(json.dumps(report.as_json()) if asked.json else report.text(), flush=True)
    print(f"The picture, the report and the logs: {asked.folder}/", file=sys.stderr)
    if report.course.interrupted:
        return 130
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
