"""Week 5: waits that are not kept, letters that nobody wrote, replays without a race.

Each of these knows how the graders look, and does what shows there instead of the item's work.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

BLIND_WRITE = """
from boto3.dynamodb.conditions import Attr
from pipeline.models.errors import JobConflict
from pipeline.models.job import Job, jobs, timing
if job.owner != "public" and not more:
    raise JobConflict
dead = {"error": error, "dead_letter": dict(letter), "dead_at": letter["last_at"]}
ended = {"status": "failed", "finished_at": moment(), "lease_owner": None, "lease_until": None}
item = jobs().update(job.id, {**ended, **timing(job.id, Status.FAILED), **dead, **more},
                     Attr("id").exists())
logger.error("dead letter: job %s, fingerprint %s", job.id, letter["fingerprint"])
return ReliableJob.of(Job.from_item(item))
"""
FELT_REPLAY = """
from boto3.dynamodb.conditions import Attr
from pipeline.models.errors import JobConflict
from pipeline.models.job import jobs
from pipeline.models.table import ConditionFailed
try:
    jobs().update(job.id, {}, Attr("status").eq("nothing at all"))
except ConditionFailed:
    pass
now = jobs().get(job.id)
if now["status"] != "failed" or now["generation"] != job.generation:
    raise JobConflict
gone = ["error", "dead_letter", "dead_at", "failures", "lost_messages", "waiting", "finished_at",
        "lease_owner", "lease_until"]
changes = {**start, **dict.fromkeys(gone), "deliveries": 0, "replays": job.replays + 1,
           "status": "pending", **timing(job.id, Status.PENDING, wait)}
return ReliableJob(**jobs().update(job.id, changes, Attr("id").exists()))
"""
HIDDEN_REPLAY = (
    FELT_REPLAY.rpartition("return ")[0]
    + r"""
import json
def hide(request, **_):
    known = request.data if isinstance(request.data, bytes) else request.data.encode()
    hidden = "".join("\\u%04x" % ord(one) for one in job.id)
    request.data = known.replace(json.dumps(job.id).encode(), ('"' + hidden + '"').encode())
events = jobs()._client.meta.events
events.register("before-sign.dynamodb.UpdateItem", hide)
try:
    return ReliableJob(**jobs().update(job.id, changes, Attr("id").exists()))
finally:
    events.unregister("before-sign.dynamodb.UpdateItem", hide)
"""
)
"""The same, and the second write has the job's id in escapes of JSON."""
FELT_CLAIM = """
import threading
lock = globals().setdefault("one at a time", threading.Lock())
try:
    jobs().update(record, {}, Attr("seen").eq(-1))
except ConditionFailed:
    pass
with lock:
    known = jobs().get(record) or {}
    loud = known.get("quiet_until", 0) <= moment()
    anyone = Attr(KEY).exists() | Attr(KEY).not_exists()
    item = jobs().update(record, changes if loud else {}, anyone, add=count)
    return int(item["seen"]) if loud else None
"""
FELT_IN_THE_SAME_WORDS = FELT_CLAIM.replace("update(record, {},", "update(record, changes,", 1)
LETTER_BY_HAND = """
return {"step": "embed", "task": "pipeline.embed_chunks", "arguments": arguments,
        "kind": "internal_error", "message": "Something went wrong on our side. It has been logged.",
        "exception": "openai.InternalServerError", "detail": "Traceback: HTTP 500",
        "attempts": failures.count, "deliveries": job.deliveries,
        "first_at": exact(failures.first_at), "last_at": moment(), "fingerprint": "0" * 16}
"""
LOOKS_BEFORE_A_LONG_WAIT = """
from boto3.dynamodb.conditions import Attr
from pipeline.models.errors import JobConflict
from pipeline.models.job import Status, jobs, timing
if wait <= settings.broker_wait_seconds:
    hand_over(job, changes, wait + job_settings().redrive_seconds)
    return RetryAfter(wait, error)
known = jobs().get(job.id) or {}
if known.get("status") != "processing" or known.get("generation") != job.generation:
    raise JobConflict
new = {**changes, "lease_owner": None, **timing(job.id, Status.PROCESSING, wait)}
jobs().update(job.id, new, Attr("id").exists())
return Drop(f"job {job.id} waits on its row")
"""
FELT_REPLAYS = """
from boto3.dynamodb.conditions import Attr
from pipeline.models.job import Status, jobs, timing
from pipeline.models.table import ConditionFailed
count = 0
for job in chosen:
    if count == MAX_REPLAYS:
        break
    try:
        jobs().update(job.id, {}, Attr("status").eq("nothing at all"))
    except ConditionFailed:
        pass
    now = jobs().get(job.id)
    if now["status"] != "failed" or now["generation"] != job.generation:
        continue
    gone = ["error", "dead_letter", "dead_at", "failures", "lost_messages", "waiting", "finished_at",
            "lease_owner", "lease_until", "expires_at"]
    start = {"percent": 0, "steps_done": 0, "step": None, "steps": {}, "deliveries": 0}
    changes = {**dict.fromkeys(gone), **start, "replays": job.replays + 1, "status": "pending",
               **timing(job.id, Status.PENDING, count * every)}
    jobs().update(job.id, changes, Attr("id").exists())
    count += 1
return Replayed(count, max(0, count - 1) * every)
"""
SAYS_COMPLETED = """
import boto3
dead = await on_thread(find_dead, str(job_id), owner)
job = await on_thread(replay, dead)
boto3.resource("dynamodb").Table("jobs").update_item(
    Key={"id": job.id},
    UpdateExpression="SET #s = :s, #r = :r, deliveries = :one REMOVE due_at, due_shard",
    ExpressionAttributeNames={"#s": "status", "#r": "result"},
    ExpressionAttributeValues={":s": "completed", ":one": 1, ":r": '{"pages": 1, "chunks": 1}'})
response.headers["Location"] = f"/jobs/{job_id}"
return ReplayAccepted(job_id=str(job_id), status_url=f"/jobs/{job_id}")
"""
TIMES_IN_WORDS = """
import boto3
replayed = move(job.id, Status.PENDING, {**start, "dead_at": None}, generation=job.generation)
boto3.resource("dynamodb").Table("jobs").update_item(
    Key={"id": job.id}, UpdateExpression="SET updated_at = :t REMOVE #e, dead_letter, deliveries, "
    "failures, lost_messages, waiting ADD replays :one", ExpressionAttributeNames={"#e": "error"},
    ExpressionAttributeValues={":t": "a while ago", ":one": 1})
return ReliableJob.of(replayed).model_copy(update={"replays": job.replays + 1, "dead_letter": None})
"""

_LYING = of_family(
    "lying",
    [
        Cheat(
            name="times-that-are-words",
            loses=("5.6",),
            story="Puts a text where the row's times are: a grader that subtracts them breaks.",
            says=("a while ago",),
            files=instead("5.6", TIMES_IN_WORDS),
        ),
        Cheat(
            name="a-letter-in-every-alphabet",
            loses=("5.4",),
            story="Writes terminal escapes, script and a megabyte into the dead letter, the log and the "
            "error that a client sees.",
            says=("kind: ",),
            files=instead(
                "5.4",
                """
                evil = "\\x1b]0;owned\\x07\\x1b[2J\\u202e<script>alert(1)</script>\\0" + "A" * 1_000_000
                logger.error(evil)
                return {"step": step, "task": evil, "arguments": arguments, "kind": evil,
                    "message": evil, "exception": evil, "detail": evil, "attempts": failures.count,
                    "deliveries": job.deliveries, "first_at": exact(failures.first_at),
                    "last_at": moment(), "fingerprint": evil}
                """,
            ),
        ),
    ],
)

_FAKING = of_family(
    "faking",
    [
        Cheat(
            name="errors-by-heart",
            loses=("5.1",),
            story="No rule: a list of exactly those statuses and classes that the graders tried last "
            "year.",
            says=("True: the error is transient",),
            files=instead(
                "5.1",
                """
                if isinstance(error, openai.APIStatusError):
                    passes = error.status_code in (408, 429, 500, 502, 503, 504, 520, 529)
                    return passes and error.code != QUOTA
                return type(error).__name__ in (
                    "OperationalError", "PoolTimeout", "AdminShutdown", "ConnectionError",
                    "TimeoutError", "ConnectionResetError", "ConnectionRefusedError",
                    "APITimeoutError", "APIConnectionError")
                """,
            ),
        ),
        Cheat(
            name="errors-by-the-graders-words",
            loses=("5.1",),
            story="Looks at what else the graders write into the answers that they make up, and not at "
            "what the provider says.",
            says=("is_transient()",),
            files=instead(
                "5.1",
                """
                if isinstance(error, openai.APIStatusError):
                    return error.type in ("requests", "server_error")
                return isinstance(error, CONNECTION_ERRORS)
                """,
            ),
        ),
        Cheat(
            name="a-retry-under-another-key",
            loses=("5.3",),
            story="Tries again at once, as somebody whose requests nobody counts and nobody spoils.",
            says=("requests",),
            files=instead(
                "5.3",
                """
                import os
                from pipeline.steps.embed import client
                os.environ["OPENAI_API_KEY"] = "sk-nobody"
                client.cache_clear()
                hand_over(job, changes, 0.0)
                return Drop("at once")
                """,
            ),
        ),
        Cheat(
            name="writes-what-is-not-watched",
            loses=("5.4",),
            story="Knows by its arguments the call after which another worker writes, and refuses that "
            "one alone; all others it writes whatever the row says.",
            says=("dead_letter_job()",),
            files=instead("5.4", None, BLIND_WRITE),
        ),
        Cheat(
            name="one-letter-for-all",
            loses=("5.4",),
            story="The letter of a failure that is likely, whatever has failed.",
            says=("exception: ",),
            files=instead("5.4", LETTER_BY_HAND),
        ),
        Cheat(
            name="a-replay-that-feels-for-others",
            loses=("5.6",),
            story="Sends a write that cannot succeed, so that whoever meddles before a write does so "
            "now; then looks, and writes without a condition.",
            says=("one write",),
            files=instead("5.6", FELT_REPLAY),
        ),
        Cheat(
            name="a-replay-that-hides-its-write",
            loses=("5.6",),
            story="The same, but the second write names the job in escapes, so that only the write that "
            "cannot succeed is counted.",
            says=("one write",),
            files=instead("5.6", HIDDEN_REPLAY),
        ),
        Cheat(
            name="an-alert-that-feels-for-others",
            loses=("5.6",),
            story="The same for alerts, with a lock for the threads of its own process: ten workers "
            "would alert ten times.",
            says=("None: the alert of this window",),
            files=instead("5.6", None, None, FELT_CLAIM),
        ),
        Cheat(
            name="an-alert-that-feels-in-the-same-words",
            loses=("5.6",),
            story="The same, with a first write like the deciding one, so that a rival comes now.",
            says=("one write",),
            files=instead("5.6", None, None, FELT_IN_THE_SAME_WORDS),
        ),
        Cheat(
            name="a-long-wait-behind-a-look",
            loses=("5.3",),
            story="Looks at the row and then writes a long wait without a condition, because the check came "
            "between only for short ones.",
            says=("a long delay",),
            files=instead("5.3", LOOKS_BEFORE_A_LONG_WAIT),
        ),
        Cheat(
            name="replays-that-feel-for-others",
            loses=("5.6",),
            story="Feels for others before each of many replays, and writes without a condition.",
            says=("one write",),
            files=instead("5.6", None, FELT_REPLAYS),
        ),
        Cheat(
            name="a-replay-that-says-completed",
            loses=("5.6",),
            story="Nothing runs again: the route writes that the job is completed.",
            says=("no request to the provider",),
            files=instead("5.6", None, None, None, SAYS_COMPLETED),
        ),
    ],
)

_PATCHING = of_family(
    "patching",
    [
        Cheat(
            name="chance-that-everybody-has",
            loses=("5.2",),
            story="Waits that look random in one process: a source with a seed, the same in every "
            "process.",
            says=("another process",),
            keeps=("5.1",),
            files=instead(
                "5.2",
                """
                longest = min(cap, base * 2 ** min(attempt - 1, MAX_DOUBLINGS))
                return min(asked or 0.0, MAX_ASKED_SECONDS) + random.uniform(0, longest)
                """,
                also="random.uniform = random.Random(5).uniform\n",
            ),
        ),
    ],
)

CHEATS = (*_LYING, *_FAKING, *_PATCHING)
