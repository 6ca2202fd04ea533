"""Weeks 3 and 4: points for half of the work. Each of these does it wrongly where the graders cannot see
it: under another limit, before or after what they hold, or under the name of somebody else.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family
from tests.cheats.races import LOOKS, MOVE_LOOKS, MOVE_WRITES, WRITES, locked

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
        "faking",
        [
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
