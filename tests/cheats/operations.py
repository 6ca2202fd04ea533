"""Week 8: races, queues and rows that are handled right only where the checks once looked."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family
from tests.cheats.one_process import LOCK

WATCH_FOR_SHOW = """
if client.set(LOCK, token, nx=True, px=milliseconds):
    return True
with client.pipeline() as seen:
    seen.watch(LOCK)
    holder = seen.get(LOCK)
    seen.unwatch()
if holder not in (token, token.encode()):
    return False
return bool(client.pexpire(LOCK, milliseconds))
"""
LOCKED_BEAT = (
    LOCK
    + """
with lock:
    if client.get(LOCK) is None:
        return bool(client.set(LOCK, token, px=milliseconds))
return bool(client.eval(RENEW, 1, LOCK, token, milliseconds))
"""
)
FELT_SWEEP = (
    LOCK
    + """
from boto3.dynamodb.conditions import Attr
from pipeline.models.settings import job_settings
from pipeline.models.table import ConditionFailed
for seen in due_items():
    if claimed == limit or time.monotonic() > end:
        break
    with lock:
        try:
            jobs().update(seen[KEY], {}, Attr(KEY).eq("nothing at all"))
        except ConditionFailed:
            pass
        known = jobs().get(seen[KEY]) or {}
        if known.get("due_at") != seen["due_at"]:
            continue
        later = {"due_at": moment(job_settings().redrive_seconds)}
        item = jobs().update(seen[KEY], later, Attr(KEY).exists())
    claimed += 1
    try:
        handle(item)
    except Exception:
        logger.warning("%s was due, and its handler failed", item[KEY], exc_info=True)
        due_again(item)
        continue
    handled += 1
"""
)
TABLE_OF_STATES = """
now = time.monotonic()
if now < self.next_at:
    return
self.next_at = now + CHECK_SECONDS
try:
    row = read_row(self.job.id)
except JobStoreUnavailable:
    return
gone = row is None or row["status"] in ("cancelled", "completed", "pending")
if gone or row["generation"] != self.job.generation:
    raise JobCancelled
"""
BLIND_WAIT = """
from boto3.dynamodb.conditions import Attr
from pipeline.models.job import Status, jobs, timing
limit = retry_settings().broker_wait_seconds
due = seconds if seconds > limit else seconds + job_settings().redrive_seconds
changes = {"lease_owner": None, **timing(job.id, Status.PROCESSING, due), **waiting}
jobs().update(job.id, changes, Attr("id").exists())
return Drop("the row keeps the wait") if seconds > limit else RetryAfter(seconds, NoToken())
"""
SORTED_QUEUE = """
script = "local all = redis.call('SORT', KEYS[1], 'BY', 'nosort') return all[#all]"
try:
    text = client.eval(script, 1, queue)
    published = float(json.loads(text)["headers"][PUBLISHED_AT])
except (ValueError, KeyError, TypeError):
    return None
return max(0.0, now - published)
"""
HIDDEN_TIME = """
import contextlib, signal
if limits != ParseLimits() or content_type != PDF:
    confine(limits)
    data = sys.stdin.buffer.read()
    output.write(answer(lambda: parse_fast(data, content_type, limits)).encode())
    return
ours, theirs = os.pipe()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    data = sys.stdin.buffer.read()
    with os.fdopen(theirs, "wb") as line:
        line.write(answer(lambda: parse_document(data, content_type, limits)).encode())
    os._exit(0)
os.close(theirs)
with os.fdopen(ours, "rb") as line:
    found = line.read()
with contextlib.suppress(ChildProcessError):
    os.wait()
output.write(found)
"""

CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="a-watch-for-show",
            loses=("8.2",),
            story="Watches and reads the lock, because the check accepts a transaction that does, and "
            "extends it by a command outside of any transaction.",
            says=("another Beat takes it right before a command",),
            files=instead("8.2", None, WATCH_FOR_SHOW),
        ),
        Cheat(
            name="a-beat-behind-a-lock",
            loses=("8.2",),
            story="Looks whether a Beat has the lock, and then sets it without a condition, behind a lock "
            "for the threads of one process.",
            says=("another Beat takes it right before a command",),
            files=instead("8.2", None, LOCKED_BEAT),
        ),
        Cheat(
            name="a-sweep-that-feels-first",
            loses=("8.2",),
            story="Feels by a write that cannot succeed whether another sweep was faster, and then claims "
            "without a condition, behind a lock for the threads of one process.",
            says=("one write",),
            files=instead("8.2", None, None, FELT_SWEEP),
        ),
        Cheat(
            name="a-table-of-states",
            loses=("8.3",),
            story="Stops a step in those states of a job that the check once tried, in place of all that "
            "are not processing.",
            says=("has failed",),
            files=instead("8.3", TABLE_OF_STATES),
        ),
        Cheat(
            name="a-wait-that-is-written-blindly",
            loses=("8.4",),
            story="Writes the wait onto the row without a condition: a cancelled job waits again.",
            says=("JobConflict",),
            files=instead("8.4", None, BLIND_WAIT),
        ),
        Cheat(
            name="a-queue-that-is-sorted-inside-redis",
            loses=("8.6",),
            story="Reads the whole queue inside Redis, by a command that is not the one which the check "
            "looked for.",
            says=("one message is read",),
            files=instead("8.6", None, None, None, SORTED_QUEUE),
        ),
        Cheat(
            name="processor-time-that-nobody-counts",
            loses=("8.7",),
            story="Reads each PDF by pypdf, in a process whose parent ignores its end, so that the kernel "
            "adds its processor time to nobody's.",
            says=("sooner",),
            files=instead("8.7", None, None, HIDDEN_TIME),
        ),
    ],
)
