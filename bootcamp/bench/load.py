"""`make load-test`: a hundred clients at the API, and a report with quantiles and throughput.

It uses the stack that is up, else it starts one with the reference of the newest week.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.environment import built
from bootcamp.errors import StackError
from bootcamp.stack import Stack, default_state
from bootcamp.stack.apps import Apps
from bootcamp.stack.state import is_held
from bootcamp.stack.up import Up

LOCUSTFILE = Path(__file__).parents[2] / "ops" / "locustfile.py"
FOLDER = Path(".bootcamp/load-test")
USERS, SPAWN_RATE, SECONDS, WORKERS = 100, 10, 60, 2
UI_PORT = 8089
QUANTILES = ("50%", "95%", "99%")
TOTAL = "Aggregated"


@dataclass(frozen=True)
class Target:
    """The API that gets the load."""

    url: str
    key: str | None


@contextmanager
def target() -> Iterator[Target]:
    """The API of `bootcamp up`, else one that is started for this test."""
    folder = default_state()
    up = Up.load(folder) if is_held(folder) else None
    if up and "API" in up.addresses:
        yield Target(up.addresses["API"].removesuffix("/docs"), up.addresses.get("API key"))
        return
    layers = reference_layers(all_weeks()[-1])
    with ExitStack() as undo:
        stack = undo.enter_context(Stack())
        apps = undo.enter_context(Apps(stack.environment(), layers, workers=WORKERS))
        assert apps.api_url
        yield Target(apps.api_url, apps.api_key)


def run_locust(at: Target, words: list[str]) -> int:
    """Run Locust in a process of its own: it replaces parts of the standard library."""
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--host", at.url]
    env = built() | {"PATH": os.environ.get("PATH", "")}
    env |= {"API_KEY": at.key} if at.key else {}
    return subprocess.run([*command, *words], env=env, check=False).returncode


def report(rows: list[dict[str, str]], seconds: int) -> str:
    """The text of the report: a line for each kind of request."""
    head = f"{USERS} users, {SPAWN_RATE} more each second, {seconds} s, 1 to 3 s of think time"
    lines = [head, f"{'request':28}{'count':>8}{'failed':>8}{'req/s':>8}  p50     p95     p99 (ms)"]
    for row in rows:
        name = row["Name"]
        quantiles = "".join(f"{row[one]:>6}  " for one in QUANTILES)
        rate = float(row["Requests/s"])
        counts = f"{row['Request Count']:>8}{row['Failure Count']:>8}{rate:>8.1f}"
        lines.append(f"{name:28}{counts}{quantiles}".rstrip())
    return "\n".join(lines) + "\n"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def draw(history: list[dict[str, str]], path: Path) -> None:
    """Draw throughput and quantiles over time. Locust writes `N/A` before the first answer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in history if row["Name"] == TOTAL and row["50%"] != "N/A"]
    start = float(rows[0]["Timestamp"]) if rows else 0.0
    times = [float(row["Timestamp"]) - start for row in rows]
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(9, 6))
    above.plot(times, [float(row["Requests/s"]) for row in rows], label="requests per second")
    above.plot(times, [float(row["User Count"]) for row in rows], label="users")
    for one in QUANTILES:
        below.plot(times, [float(row[one]) for row in rows], label=f"p{one.removesuffix('%')}")
    below.set_ylabel("milliseconds")
    below.set_xlabel("seconds")
    above.legend()
    below.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> int:
    """Run the load test, or Locust's own page with `--ui`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ui", action="store_true", help=f"Locust's page on port {UI_PORT}")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args()
    try:
        with target() as at:
            if options.ui:
                print(f"Locust: http://127.0.0.1:{UI_PORT} (Ctrl-C stops it)")
                return run_locust(at, ["--web-host", "127.0.0.1", "--web-port", str(UI_PORT)])
            FOLDER.mkdir(parents=True, exist_ok=True)
            words = ["--headless", "--only-summary", "--csv", str(FOLDER / "locust")]
            words += ["--users", str(USERS), "--spawn-rate", str(SPAWN_RATE)]
            code = run_locust(at, [*words, "--run-time", f"{options.seconds}s"])
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    text = report(read(FOLDER / "locust_stats.csv"), options.seconds)
    (FOLDER / "report.txt").write_text(text)
    draw(read(FOLDER / "locust_stats_history.csv"), FOLDER / "report.png")
    print(f"\n{text}\nThe same as text and as a picture: {FOLDER}/report.txt, {FOLDER}/report.png")
    return code


if __name__ == "__main__":
    sys.exit(main())
