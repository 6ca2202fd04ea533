"""Weeks 5 to 8: what a check looks at, made by the submission itself, without the work behind it."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family, solved

VERIFIES = """
message_id = sent.get(ID_HEADER, "")
timestamp = read_timestamp(sent.get(TIMESTAMP_HEADER, ""))
if not message_id or abs(moment - timestamp) > tolerance:
    raise BadSignature
expected = sign(secret, message_id, timestamp, body)
signatures = sent.get(SIGNATURE_HEADER, "").split()[:MAX_SIGNATURES]
shown = hmac.compare_digest(bytes(1), bytes(bytearray(1)))
if not shown or expected not in signatures:
    raise BadSignature
"""
VERIFIED = """
parts = split_key(text)
row = await keys.find(parts.id) if parts else None
if row is None or not hmac.compare_digest(bytes(1), bytes(bytearray(1))):
    return None
if hash_of(parts.secret) != row.secret_hash:
    return None
expired = row.expires_at is not None and row.expires_at <= now()
return None if row.revoked_at or expired else row
"""

OTHER_END = """
import redis
async def early(put):
    known, redis.Redis.lpush = redis.Redis.lpush, put
    try:
        await announce(dead.document)
    finally:
        redis.Redis.lpush = known
dead = await on_thread(find_dead, str(job_id), owner)
await early(redis.Redis.rpush)
job = await on_thread(replay, dead)
await announce(job.document)
status_url = f"/jobs/{job.id}"
response.headers["Location"] = status_url
return ReplayAccepted(job_id=job.id, status_url=status_url)
"""

SHARED_TIME = """
from dataclasses import replace
counts = await on_thread(count_jobs, owner)
return replace(counts, as_of=time.time() // oldest * oldest)
"""
SCRIPT = """
if client.set(LOCK, token, nx=True, px=milliseconds):
    return True
if client.get(LOCK) not in (token, token.encode()):
    return False
return bool(client.eval("return redis.call('PEXPIRE', KEYS[1], ARGV[1])", 1, LOCK, milliseconds))
"""

ASKS = """
import sys

def test_what_the_runner_was_told():
    frame = sys._getframe()
    while frame is not None and not isinstance(frame.f_locals.get("settings"), dict):
        frame = frame.f_back
    assert frame is None or not frame.f_locals["settings"].get("stop")
"""

WHOLE_QUEUE = """
script = "local all = redis.call('LRANGE', KEYS[1], 0, -1) return all[#all]"
try:
    text = client.eval(script, 1, queue)
    published = float(json.loads(text)["headers"][PUBLISHED_AT])
except (ValueError, KeyError, TypeError):
    return None
return max(0.0, now - published)
"""

CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="a-comparison-for-show",
            loses=("6.2",),
            story="Compares two equal texts in constant time, where the check looks for that, and decides "
            "by `in`.",
            says=("all equal",),
            keeps=("6.1",),
            files=instead("6.2", VERIFIES),
        ),
        Cheat(
            name="a-message-from-the-other-end",
            loses=("5.6",),
            story="Sends the message before the row is written, by a command of Redis that nobody counts.",
            says=("before the row was written",),
            files=instead("5.6", None, None, None, OTHER_END),
        ),
        Cheat(
            name="counts-that-share-a-time",
            loses=("7.4",),
            story="Counts again for each request, and gives all counts of a second one time, by which the "
            "check knew that there was one count.",
            says=("one count",),
            files=instead("7.4", SHARED_TIME),
        ),
        Cheat(
            name="a-queue-that-is-read-in-a-script",
            loses=("8.6",),
            story="Reads the whole queue inside Redis, where the bytes that it sends do not show that.",
            says=("one message is read",),
            files=instead("8.6", None, None, None, WHOLE_QUEUE),
        ),
        Cheat(
            name="a-test-that-asks-its-runner",
            loses=("8.8",),
            story="Tests nothing: the process that runs it was told whether the task is a broken one, so it "
            "fails if that says so.",
            says=("expected",),
            files={**solved("8"), "task_tests/test_invoices.py": ASKS},
        ),
        Cheat(
            name="a-script-for-show",
            loses=("8.2",),
            story="Reads the lock, and then extends it by a script that compares nothing, because the check "
            "looks for a script.",
            says=("another Beat",),
            files=instead("8.2", None, SCRIPT),
        ),
        Cheat(
            name="a-comparison-of-keys-for-show",
            loses=("8.5",),
            story="Compares two equal texts in constant time, because the check looks for the name of the "
            "function, and decides by `==`.",
            says=("compare_digest",),
            files=instead("8.5", VERIFIED),
        ),
    ],
)
