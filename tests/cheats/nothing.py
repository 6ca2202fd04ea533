"""Weeks 1 and 2: points for nothing. Each of these does no work, or half of it, where a grader counts,
where it reads what a submission can write, and where it looks in one place only.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

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
NOBODYS_QUEUE = """
import hashlib, sys, threading, time
from pipeline.storage import blob_store
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
        ],
    ),
)
