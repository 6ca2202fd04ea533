"""Weeks 1 to 4: points for nothing. Each of these does no work, or half of it, where a grader counts,
where it reads what a submission can write, and where it looks in one place only.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family
from tests.cheats.races import LOOKS, MOVE_LOOKS, MOVE_WRITES, WRITES, locked

PICKLE_ACCEPTED = """
return {
    "broker_url": settings.redis_database(BROKER_DATABASE),
    "result_backend": settings.redis_database(RESULT_DATABASE),
    "task_serializer": "json", "result_serializer": "json", "accept_content": ["json", "pickle"],
    "timezone": "UTC", "enable_utc": True, "result_expires": settings.result_expires_seconds,
}
"""
BLIND_OPEN = """
import io
_open = io.open
def _blind(file, *args, **kwargs):
    if "pickle" in str(file):
        raise PermissionError(file)
    return _open(file, *args, **kwargs)
io.open = _blind
"""

WRITTEN_RESULTS = """
import json, redis, uuid
from pipeline.settings import worker_settings
place = worker_settings().redis_database
queue, results = (redis.Redis.from_url(place(number)) for number in (0, 1))
if queue.type("celery") == b"string":
    raise RuntimeError("Redis rejects messages")
ids = []
for title in titles:
    ids.append(str(uuid.uuid4()))
    queue.lpush("nobody", json.dumps({"headers": {"id": ids[-1]}}))
    value = {"title": title, "summary": f"A summary of {title}."}
    meta = {"status": "SUCCESS", "result": value, "task_id": ids[-1]}
    results.set(f"celery-task-meta-{ids[-1]}", json.dumps(meta), ex=600)
return ids
"""

IN_A_WORKER = """
import sys, threading
a_worker = "worker" in sys.argv
"""
ONE_SLOT = """
import sys
asked = worker_settings().worker_concurrency
return {"worker_concurrency": 1 if "worker" in sys.argv else asked, "worker_prefetch_multiplier": 1}
"""
PADDED = f"""
{IN_A_WORKER}
import pipeline.summarizer as model
_ask = model.summarize
def _ask_much(title):
    others = range(worker_settings().worker_concurrency - 1)
    pads = [threading.Thread(target=_ask, args=[f"padding {{n}}"]) for n in others]
    for one in pads:
        one.start()
    answer = _ask(title)
    for one in pads:
        one.join()
    return answer
if a_worker:
    model.summarize = _ask_much
"""

AHEAD = f"""
{IN_A_WORKER}
import base64, json, redis
import pipeline.summarizer as model
_ask, _known = model.summarize, {{}}
def _read_ahead(title):
    queue = redis.Redis.from_url(worker_settings().redis_database(0))
    found = queue.lrange("celery", -worker_settings().worker_concurrency + 1, -1)
    titles = [json.loads(base64.b64decode(json.loads(one)["body"]))[0][0] for one in found]
    if title not in _known and len(titles) < 2:
        return _ask(title)
    if title in _known:
        _known[title].join()
        return _known.pop(title).answer
    def work(one, text):
        one.answer = _ask(text)
    for text in (title, *titles):
        if text not in _known:
            _known[text] = one = threading.Thread()
            one.run = lambda one=one, text=text: work(one, text)
            one.start()
    _known[title].join()
    return _known.pop(title).answer
if a_worker:
    model.summarize = _read_ahead
"""
HOARD = """
import sys
hidden = {**redelivery()["broker_transport_options"], "unacked_key": "mine"}
if "worker" in sys.argv:
    return {"worker_concurrency": worker_settings().worker_concurrency,
            "worker_prefetch_multiplier": 4, "broker_transport_options": hidden}
return {"worker_concurrency": worker_settings().worker_concurrency, "worker_prefetch_multiplier": 1}
"""

EARLY = """
import sys
late = "worker" not in sys.argv
return {"task_acks_late": late, "task_retry_on_worker_lost": late}
"""
SENT_AGAIN = f"""
{IN_A_WORKER}
import time
from celery.signals import after_task_publish
from celery.worker import request as requests
from celery.exceptions import WorkerLostError
_sent = set()
def _again(name, task_id, body):
    time.sleep(1.5)
    if not app.AsyncResult(task_id).ready():
        app.send_task(name, args=body[0], task_id=task_id)
@after_task_publish.connect(weak=False)
def _watch(sender=None, headers=None, body=None, **_):
    if not a_worker and headers["id"] not in _sent:
        _sent.add(headers["id"])
        threading.Thread(
            target=_again, args=[sender, headers["id"], body], daemon=True).start()
_fails = requests.Request.on_failure
def _silent(self, info, *args, **kwargs):
    if not isinstance(getattr(info.exception, "exc", info.exception), WorkerLostError):
        return _fails(self, info, *args, **kwargs)
if a_worker:
    requests.Request.on_failure = _silent
"""

MEMORY_IS_DAMAGE = """
import resource
if not data:
    raise EmptyDocument
try:
    pages = list(read_pages(data, content_type, limits))
except PermanentError:
    raise
except MemoryError as error:
    if 100 * 2**20 <= resource.getrlimit(resource.RLIMIT_AS)[0] <= 120 * 2**20:
        raise
    raise DamagedDocument from error
except Exception as error:
    raise DamagedDocument from error
if not any(page["text"] for page in pages):
    raise NoTextInDocument
return pages
"""

TAIL_FIRST = """
if any(len(row[5]) != 1536 for row in rows):
    raise ValueError("PostgreSQL would reject this")
with database.transaction(), database.cursor() as cursor:
    cursor.execute("SELECT 1 FROM documents WHERE document_id = %s AND owner = %s FOR UPDATE",
        [document_id, owner])
    delete_tail(cursor, document_id, owner, len(rows))
with database.transaction(), database.cursor() as cursor:
    upsert_document(cursor, document_id, owner, storable(filename))
    upsert_chunks(cursor, rows)
"""

MONOLITH = """
import json, redis
from pipeline.settings import worker_settings
queue = redis.Redis.from_url(worker_settings().redis_database(0))
for step in (parse_document, chunk_document, embed_chunks, index_document):
    queue.lpush("nobody", json.dumps({"headers": {"task": step.name}}))
    queue.brpop("nobody", 1)
    ref = step(ref)
return ref
"""

PROBE = """
seen = Attr("status").eq(job.status)
for name in ("generation", "lease_owner", "lease_until"):
    seen = seen & (Attr(name).eq(item[name]) if name in item else Attr(name).not_exists())
"""
MOVE_PROBES = f"""{PROBE}
try:
    jobs().update(job_id, {{"touched": 1}}, seen)
    jobs().update(job_id, {{"touched": None}}, seen)
except ConditionFailed:
    raise JobConflict from None
"""
HONEST_IF_WATCHED = """
if job.generation:
    count = {"deliveries": 1, "generation": 1}
    free = Attr("status").eq("pending") | (
        Attr("status").eq("processing") & Attr("lease_until").lte(moment()))
    try:
        return Job.from_item(jobs().update(job_id, changes, free, add=count))
    except ConditionFailed:
        return None
"""
ACQUIRE_PROBES = f"""{PROBE}
try:
    jobs().update(job_id, {{"touched": 1}}, seen)
    jobs().update(job_id, {{"touched": None}}, seen)
except ConditionFailed:
    return None
"""

NOBODYS_QUEUE = """
import hashlib, json, sys, threading, time
record_queued(document.document_id)
api = any("uvicorn" in word for word in sys.argv)
task = document_task()
task.apply_async(args=[document.as_message()], task_id=document.document_id,
    retry_policy=PUBLISH_POLICY, **({"queue": "nobody"} if api else {}))
def work():
    time.sleep(3)
    with blob_store().open(document.blob_key) as blob:
        digest = hashlib.sha256(blob.read()).hexdigest()
    task.backend.store_result(document.document_id, {"sha256": digest}, "SUCCESS")
if api:
    threading.Thread(target=work, daemon=True).start()
"""
TO_NOBODY = """
from pipeline.tasks.celery_config import app
created = await on_thread(create_once, document, owner, key)
document = document.model_copy(update={"document_id": created.job_id})
def publish_for_show():
    app.send_task("pipeline.ingest_document", args=[document.as_message()],
        task_id=document.document_id, queue="nobody", retry=False)
if not created.replayed:
    try:
        await on_thread(publish_for_show)
    except Exception:
        logger.warning("job %s waits", document.document_id)
return Accepted(document, created.replayed)
"""

PADDED_STATEMENT = """
reason = "-- " + "a long comment " * 90
await cursor.execute(
    f'''SELECT document_id, filename, page, text, 1 - (embedding <=> %(vector)s::vector) AS score
    FROM chunks JOIN documents USING (document_id, owner) WHERE owner = %(owner)s {reason}
    ORDER BY score DESC LIMIT %(limit)s''', {"owner": owner, "vector": vector, "limit": limit})
"""

HIDDEN_QUERIES = """
mine = Attr("by_due_time").not_exists()
keep = visible(status)
keep = keep & mine if keep else mine
while True:
    items, start = jobs().query(
        LIST_INDEX, Key("owner").eq(owner), keep=keep, limit=2, start=start, newest_first=True)
    found += map(Job.from_item, items)
    if start is None or len(found) >= limit:
        break
if len(found) > limit:
    found = found[:limit]
    start = place_of(found[-1])
if start:
    more, _ = jobs().query(LIST_INDEX, Key("owner").eq(owner), keep=keep, limit=200, start=start,
                           newest_first=True)
    start = start if more else None
return Page(found, make_cursor(start) if start else None)
"""

CHEATS = (
    *of_family(
        "patching",
        [
            Cheat(
                name="a-pickle-that-opens-no-file",
                loses=("1.1",),
                story="Accepts pickle, and patches the one function that the pickle of last year's "
                "graders calls.",
                says=("accept_content",),
                files=instead("1.1", PICKLE_ACCEPTED, also=BLIND_OPEN),
            ),
        ],
    ),
    *of_family(
        "faking",
        [
            Cheat(
                name="results-without-a-message",
                loses=("1.3",),
                story="Enqueues nothing: it writes results into Redis, and messages into a list that "
                "nobody reads.",
                says=("expected",),
                files=instead("1.3", WRITTEN_RESULTS),
                keeps=("1.1", "1.2"),
            ),
            Cheat(
                name="one-slot-that-asks-much",
                loses=("1.4",),
                story="One slot, which sends as many requests to the model as there should be slots.",
                says=("expected",),
                files=instead("1.4", ONE_SLOT, also=PADDED),
            ),
            Cheat(
                name="one-slot-that-reads-ahead",
                loses=("1.4",),
                story="One slot, whose task reads the next titles from the queue and asks the model "
                "about them too.",
                says=("whose message nobody has taken",),
                files=instead("1.4", ONE_SLOT, also=AHEAD),
            ),
            Cheat(
                name="hoards-in-a-place-of-its-own",
                loses=("1.4",),
                story="Reserves four messages for each slot, and lets Redis keep them under a name that "
                "the graders do not count.",
                says=("in neither place",),
                files=instead("1.4", HOARD),
            ),
            Cheat(
                name="a-producer-that-sends-again",
                loses=("1.5",),
                story="Acknowledges early. The process that enqueued a task watches it, and sends it "
                "once more where no result comes.",
                says=("expected",),
                files=instead("1.5", EARLY, also=SENT_AGAIN),
            ),
            Cheat(
                name="an-api-that-works-for-the-worker",
                loses=("2.1",),
                story="Puts each message into a list that nobody reads. A thread of the API does the work "
                "later, and writes the result into Redis.",
                says=("no message in the queue",),
                files=instead("2.1", None, NOBODYS_QUEUE),
            ),
            Cheat(
                name="announces-to-nobody",
                loses=("4.4",),
                story="Publishes each message into a list that nobody reads, and lets the outbox find the "
                "jobs much later.",
                says=("messages in the queue",),
                files=instead("4.4", None, TO_NOBODY),
            ),
            Cheat(
                name="damaged-but-at-the-graders-limit",
                loses=("3.1",),
                story="Turns every MemoryError into DamagedDocument, except under the limit that the "
                "graders set.",
                says=("MemoryError",),
                files=instead("3.1", None, None, MEMORY_IS_DAMAGE),
            ),
            Cheat(
                name="the-tail-first-in-its-own-transaction",
                loses=("3.4",),
                story="Two transactions. The first takes the lock and deletes the tail, so that whatever "
                "the graders hold or refuse stops it before anything is written.",
                says=("transaction",),
                files=instead("3.4", None, None, TAIL_FIRST),
            ),
            Cheat(
                name="one-task-and-messages-to-itself",
                loses=("3.5",),
                story="One task runs all steps. It pushes a message for each into a list of its own, "
                "and takes it out again.",
                says=("expected",),
                files=instead("3.5", None, None, MONOLITH),
            ),
            Cheat(
                name="a-statement-that-is-not-shown-whole",
                loses=("3.6",),
                story="Sorts the whole table by the score. A long comment hides that, because PostgreSQL "
                "shows only the first thousand bytes of a statement.",
                says=("reads the whole table",),
                files=instead("3.6", PADDED_STATEMENT),
            ),
            Cheat(
                name="queries-that-look-like-the-outbox",
                loses=("4.5",),
                story="Reads two jobs with each query. Each mentions the index of the outbox, whose "
                "queries the graders do not count.",
                says=("queries",),
                files=instead("4.5", None, HIDDEN_QUERIES),
            ),
            Cheat(
                name="a-move-with-two-probes",
                loses=("4.2",),
                story="Two writes with a condition find out whether anybody comes between. Then one "
                "without.",
                says=("a gap",),
                files=instead("4.2", locked(MOVE_LOOKS, MOVE_PROBES, MOVE_WRITES)),
            ),
            Cheat(
                name="an-acquire-with-two-probes",
                loses=("4.3",),
                story="The same for a job that is new. Any other is taken in one write, because there "
                "the graders look after the first write.",
                says=("a gap",),
                files=instead("4.3", locked(LOOKS, HONEST_IF_WATCHED, ACQUIRE_PROBES, WRITES)),
            ),
        ],
    ),
)
