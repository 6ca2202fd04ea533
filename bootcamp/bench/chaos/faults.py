"""Carries out the faults. Each one undoes itself, also when the run is interrupted."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import redis

from bootcamp.bench.chaos.schedule import Kind, Planned
from bootcamp.bench.chaos.stand import Stand
from bootcamp.errors import StackError
from bootcamp.providers.faults import Fault
from bootcamp.stack.process import Process
from bootcamp.stack.queues import JOB_QUEUES
from bootcamp.stack.stack import DEFAULT, Server

ALIVE_SECONDS = 10.0
"""How long a fault waits for a process that is being started again. Then it is left out."""
POLL_SECONDS = 0.05
STARTS = 3
"""How often a server is started before the fault counts as one that was never undone."""
FILLER = "filler"
FILL_SECONDS = 0.1
"""How often a full disk is filled again: the pipeline may delete files."""
STORM = 25
"""How many requests a storm spoils at most."""
STORM_WEIGHTS = (6, 6, 2, 2)
STORM_HANG_SECONDS = 8.0
USUAL = Fault.slow(0.4, times=None)
"""How the provider answers otherwise. A step that takes a while can be struck in its middle."""
RECEIVER = 8
"""How many webhooks an upset receiver spoils."""
HANGS = 0.5
"""The part of the outages of DynamoDB in which it hangs. In the others its port is closed."""

WAITING_SECONDS = 25.0
"""How long emptying Redis waits for a moment in which it loses a message: for longer than an outage."""
LOOK_SECONDS = 0.002
EMPTY = """
local waiting = 0
for n = 1, #ARGV do
  for _, key in ipairs(redis.call('KEYS', ARGV[n] .. '*')) do  -- a list for each priority
    waiting = waiting + redis.call('LLEN', key)
  end
end
if waiting > 0 then redis.call('FLUSHALL') end
return waiting
"""
"""Looks, and empties in the same step. The script gives the number of jobs' messages that waited."""


class LeftOut(Exception):
    """The fault could not be carried out. The message says why."""


Act = Callable[[Stand, Planned, threading.Event], str]
"""Carries out a fault until its time is over or the event is set. Returns what was done, in words."""


def alive(process: Process) -> int:
    """The id of a process that runs. Raises LeftOut: it was not started again in time."""
    deadline = time.monotonic() + ALIVE_SECONDS
    while not process.alive:
        if time.monotonic() > deadline:
            raise LeftOut(f"{process.name} did not run")
        time.sleep(POLL_SECONDS)
    return process.pid


def strike(pid: int, *, group: bool = False) -> None:
    """Send SIGKILL past our own books, so the supervisor sees a process that ended by itself."""
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)


def worker_of(stand: Stand, planned: Planned) -> Process:
    """The worker node that is struck."""
    assert planned.worker is not None
    return stand.apps.workers[planned.worker % len(stand.apps.workers)]


def kill_child(stand: Stand, planned: Planned, _: threading.Event) -> str:
    """Kill one process of a worker's pool."""
    worker = worker_of(stand, planned)
    with suppress(psutil.Error):
        if children := psutil.Process(alive(worker)).children():
            child = children[int(planned.draw * len(children))].pid
            strike(child)
            return f"kill -9 of child {child} of {worker.name}"
    raise LeftOut(f"{worker.name} had no child")


def kill_node(stand: Stand, planned: Planned, _: threading.Event) -> str:
    """Kill a worker with its whole pool, as a lost machine does."""
    worker = worker_of(stand, planned)
    strike(alive(worker), group=True)
    return f"kill -9 of {worker.name} with its children"


def freeze_node(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """Suspend a worker for longer than its leases last. Then it goes on, and believes that it has them."""
    worker = worker_of(stand, planned)
    suspend(alive(worker), planned.seconds, stop)
    return f"{worker.name} stopped for {planned.seconds:g} s"


def restart(stand: Stand, name: str, away: float, stop: threading.Event) -> None:
    """Kill a server, and start it again on the same port with the same data."""
    server = stand.stack.servers[name]
    strike(alive(server.process))
    server.process.stop()  # it is dead: this waits until nothing of it is left
    stop.wait(away)
    bring_back(server)


def bring_back(server: Server) -> None:
    """Start a server. A busy machine may need more time than one start allows. Raises StackError."""
    for _ in range(STARTS - 1):
        with suppress(StackError):
            server.start()
            return
    server.start()


def restart_redis(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """Redis dies, and comes back with its append-only file."""
    restart(stand, "redis", planned.seconds, stop)
    return f"kill -9 of Redis, back after {planned.seconds:g} s"


def empty_redis(stand: Stand, _: Planned, stop: threading.Event) -> str:
    """All queues, results and locks are gone, in a moment in which a job's message waits."""
    deadline, waiting = time.monotonic() + WAITING_SECONDS, 0
    with redis.Redis.from_url(f"{stand.stack.endpoints.redis_url}/0") as client:
        empty = client.register_script(EMPTY)
        while not waiting and time.monotonic() < deadline and not stop.wait(LOOK_SECONDS):
            with suppress(redis.ConnectionError):  # another fault has killed it
                waiting = int(empty(args=JOB_QUEUES))
        if not waiting:
            client.flushall()
    return f"FLUSHALL, {waiting} message{'' if waiting == 1 else 's'} waited"


def cut_postgres(stand: Stand, _: Planned, __: threading.Event) -> str:
    """End every connection of the pipeline."""
    with stand.admin.connect() as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [DEFAULT]
        ).fetchall()
    return f"{len(cut)} connections ended"


def restart_postgres(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """PostgreSQL dies without a checkpoint, and recovers from its log."""
    restart(stand, "postgres", planned.seconds, stop)
    return f"kill -9 of PostgreSQL, back after {planned.seconds:g} s"


def take_dynamodb_away(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """DynamoDB hangs, or its port is closed. Both happen, by the draw of the schedule."""
    server = stand.stack.servers["aws"]
    if planned.draw < HANGS:
        suspend(alive(server.process), planned.seconds, stop)
        return f"it does not answer for {planned.seconds:g} s"
    begin = time.monotonic()
    server.process.stop()  # it saves its tables: the real service does not lose what it has confirmed
    stop.wait(max(0.0, planned.seconds - (time.monotonic() - begin)))
    bring_back(server)
    return f"its port is closed for {planned.seconds:g} s"


def suspend(group: int, seconds: float, stop: threading.Event) -> None:
    """Stop all processes of a group for a while. What they were sent meanwhile is carried out afterwards."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
    stop.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGCONT)


def kill_api(stand: Stand, _: Planned, __: threading.Event) -> str:
    """Kill the API while it answers."""
    assert stand.apps.api is not None
    strike(alive(stand.apps.api), group=True)
    return "kill -9 of the API"


def kill_beat(stand: Stand, _: Planned, __: threading.Event) -> str:
    """Kill the process that sends the sweeps."""
    assert stand.apps.beat is not None
    strike(alive(stand.apps.beat), group=True)
    return "kill -9 of Beat"


def fill_disk(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """Let a file take all room on the disk of the blob store."""
    if stand.disk is None:
        raise LeftOut("this system allows no mount namespace")
    filler, size = stand.disk / FILLER, 0
    try:
        end = time.monotonic() + planned.seconds
        while time.monotonic() < end and not stop.wait(FILL_SECONDS):
            size = fill(filler)
    finally:
        filler.unlink(missing_ok=True)
    return f"{size / 1024**2:.0f} MiB filled, no room for {planned.seconds:g} s"


def fill(filler: Path) -> int:
    """Let a file grow over all free blocks. Returns its bytes."""
    with filler.open("ab") as file:
        room = os.statvfs(filler)
        end = file.seek(0, os.SEEK_END)
        if free := room.f_bavail * room.f_frsize:
            with suppress(OSError):  # somebody was faster: it is full
                os.posix_fallocate(file.fileno(), end, free)
        return file.seek(0, os.SEEK_END)


def storm(stand: Stand, planned: Planned, stop: threading.Event) -> str:
    """The provider answers 429 and 500, hangs, and closes connections."""
    rng = Random(planned.draw)  # noqa: S311 - a storm that can be repeated
    kinds = [
        Fault.status(429, retry_after=1),
        Fault.status(500),
        Fault.timeout(seconds=STORM_HANG_SECONDS),
        Fault.drop(),
    ]
    stand.provider.clear()
    stand.provider.script(*rng.choices(kinds, weights=STORM_WEIGHTS, k=STORM), USUAL)
    stop.wait(planned.seconds)
    calm(stand)
    return f"429, 500, timeouts and cut connections for {planned.seconds:g} s"


def calm(stand: Stand) -> None:
    """Let the provider answer as usual: rightly, and not at once."""
    stand.provider.clear()
    stand.provider.script(USUAL)


def upset_receiver(stand: Stand, planned: Planned, _: threading.Event) -> str:
    """The receiver of webhooks takes some, and answers that it has not, or not at all."""
    rng = Random(planned.draw)  # noqa: S311 - as above
    kinds = [Fault.status(500), Fault.status(503), Fault.drop(), Fault.timeout(seconds=6)]
    stand.sink.script(*rng.choices(kinds, k=RECEIVER))
    return f"{RECEIVER} webhooks get 500, 503 or no answer"


ACTS: Mapping[Kind, Act] = {
    Kind.CHILD_KILLED: kill_child,
    Kind.NODE_KILLED: kill_node,
    Kind.NODE_FROZEN: freeze_node,
    Kind.REDIS_RESTARTED: restart_redis,
    Kind.REDIS_EMPTIED: empty_redis,
    Kind.POSTGRES_CUT: cut_postgres,
    Kind.POSTGRES_RESTARTED: restart_postgres,
    Kind.DYNAMODB_AWAY: take_dynamodb_away,
    Kind.API_KILLED: kill_api,
    Kind.BEAT_KILLED: kill_beat,
    Kind.DISK_FULL: fill_disk,
    Kind.PROVIDER_STORM: storm,
    Kind.RECEIVER_UPSET: upset_receiver,
}


def carry_out(stand: Stand, planned: Planned, stop: threading.Event) -> tuple[bool, str]:
    """Carry out a fault. Returns whether it happened, and what was done or why not."""
    try:
        return True, ACTS[planned.kind](stand, planned, stop)
    except LeftOut as reason:
        return False, str(reason)
    except Exception as error:  # a store may be away for another fault: the run goes on
        return False, f"it could not be carried out: {type(error).__name__}: {error}"
