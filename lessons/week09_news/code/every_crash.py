"""One job, five designs, and five things that can go wrong once. Is the work lost, or done twice?"""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Design(NamedTuple):
    """What a pipeline does for its jobs. Each design adds one thing to the one before."""

    name: str
    sweep: bool = False
    lease: bool = False
    fence: bool = False
    same_id: bool = False


DESIGNS = (
    Design("message"),
    Design("+ row, sweep", sweep=True),
    Design("+ lease", sweep=True, lease=True),
    Design("+ fence", sweep=True, lease=True, fence=True),
    Design("+ same id", sweep=True, lease=True, fence=True, same_id=True),
)


class Job:
    """The row of a job, and the effects of its work: mails, payments, or rows."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.generation = 0
        self.leased = self.done = False
        self.effects: set[str] = set()

    def worker(self) -> Iterator[None]:
        """Take the job, do its work, and record it. A worker can die or freeze at each `yield`."""
        if self.done or (self.design.lease and self.leased):
            return
        self.leased = True
        self.generation += 1
        mine = self.generation
        yield
        if self.design.fence and mine != self.generation:
            return
        self.effects.add("the job" if self.design.same_id else f"run {mine}")
        yield
        self.done = True

    def sweep(self) -> None:
        """Run the job again if it is not done after the end of its lease."""
        if self.design.sweep and not self.done:
            self.leased = False
            finish(self.worker())


def finish(worker: Iterator[None]) -> None:
    """Let a worker run to its end."""
    for _ in worker:
        pass


def lost_message(job: Job) -> None:
    """No worker hears of the job."""


def two_messages(job: Job) -> None:
    """Two workers get the job at the same moment."""
    workers = job.worker(), job.worker()
    for worker in workers:
        next(worker, None)
    for worker in workers:
        finish(worker)


def crash_before_work(job: Job) -> None:
    """The worker dies when it has taken the job."""
    next(job.worker())


def crash_after_work(job: Job) -> None:
    """The worker dies when the work is done, and not recorded yet."""
    worker = job.worker()
    next(worker)
    next(worker)


def frozen_worker(job: Job) -> None:
    """The worker stands still until another one has done its job, and then goes on."""
    worker = job.worker()
    next(worker)
    job.sweep()
    finish(worker)


ACCIDENTS: tuple[Callable[[Job], None], ...] = (
    lost_message,
    two_messages,
    crash_before_work,
    crash_after_work,
    frozen_worker,
)


def outcome(design: Design, accident: Callable[[Job], None]) -> str:
    """Let the accident happen, then sweep, and say how often the work was done."""
    job = Job(design)
    accident(job)
    job.sweep()
    return ("LOST", "once", "TWICE")[len(job.effects)]


def main() -> None:
    print(f"{'':20}" + "".join(f"{design.name:15}" for design in DESIGNS).rstrip())
    for accident in ACCIDENTS:
        outcomes = "".join(f"{outcome(design, accident):15}" for design in DESIGNS)
        print(f"{accident.__name__:20}{outcomes}".rstrip())


if __name__ == "__main__":
    main()
