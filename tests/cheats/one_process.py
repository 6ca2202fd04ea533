"""Weeks 5 to 9: races that a lock of one process decides. The next worker has another one.

The checks let threads of one process race, and such a lock holds there. Each of these looks first and writes
later, in a second statement.
"""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

LOCK = """
import threading
lock = globals().setdefault("one at a time", threading.Lock())
"""
TICK = """
sql = '''
SELECT feed_id FROM feeds WHERE next_at <= now() AND (lease_until IS NULL OR lease_until <= now())
ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED
'''
take = '''
UPDATE feeds SET generation = generation + 1, lease_until = now() + %s * interval '1 second'
WHERE feed_id = ANY(%s) RETURNING feed_id, generation
'''
with lock, connection() as database:
    due = [row[0] for row in database.execute(sql, (settings.news_feeds_per_tick,))]
    rows = database.execute(take, (settings.news_lease_seconds, due)).fetchall()
    return [Claim(*row) for row in rows]
"""
DIGEST = """
with lock:
    key = (day, subscriber_id)
    row = database.execute(
        "SELECT sent_at IS NULL AND failed_at IS NULL AND lease_until <= now() FROM digests "
        "WHERE digest_day = %s AND subscriber_id = %s", key).fetchone()
    if row is not None and not row[0]:
        return None
    sql = (
        "INSERT INTO digests AS d (digest_day, subscriber_id, message_id, lease_until, attempts) "
        "VALUES (%s, %s, %s, now() + make_interval(secs => %s), 1) "
        "ON CONFLICT (digest_day, subscriber_id) DO UPDATE SET lease_until = excluded.lease_until, "
        "generation = d.generation + 1, attempts = d.attempts + 1 RETURNING generation, message_id")
    row = database.execute(sql, (*key, message_id, lease_seconds)).fetchone()
    return Claim(day, subscriber_id, row[0], row[1])
"""

WITHDRAW = """
lock = "SELECT pg_advisory_lock(hashtextextended(%s || E'\\\\n' || %s, 0))"
with connection() as database:
    database.execute(lock, names)
    try:
        database.execute(DELETE, names)
        database.execute(WITHDRAW, names)
    finally:
        database.execute(lock.replace("_lock(", "_unlock(", 1), names)
"""
FEED_OUTCOME = """
ours = " WHERE feed_id = %(feed_id)s"
theirs = " AND generation = %(generation)s AND lease_until IS NOT NULL"
parameters = {**values, "feed_id": claim.feed_id, "generation": claim.generation}
with lock, connection() as database:
    if not database.execute("SELECT 1 FROM feeds" + ours + theirs, parameters).fetchall():
        return False
    return database.execute(sql + ours, parameters).rowcount == 1
"""
MAIL_OUTCOME = """
key = (claimed.day, claimed.subscriber_id)
with lock:
    found = database.execute(
        "SELECT 1 FROM digests WHERE digest_day = %s AND subscriber_id = %s AND generation = %s "
        "AND sent_at IS NULL AND failed_at IS NULL", (*key, claimed.generation)).fetchall()
    if not found:
        return False
    sets = {"sent": "sent_at = now(), last_error = NULL", "refused": "failed_at = now(), last_error = %s",
            "deferred": "last_error = %s, lease_until = now() + make_interval(secs => %s)"}[outcome.kind]
    more = {"sent": (), "refused": (outcome.reason[:MAX_REASON_CHARS],),
            "deferred": (outcome.reason[:MAX_REASON_CHARS], retry_seconds)}[outcome.kind]
    database.execute(f"UPDATE digests SET {sets} WHERE digest_day = %s AND subscriber_id = %s",
                     (*more, *key))
    return True
"""

CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="ticks-behind-a-lock",
            loses=("9.5",),
            story="Selects the feeds that are due, and then claims them without a condition, behind a lock "
            "for the threads of one process: two workers collect each feed twice.",
            says=("claim",),
            files=instead("9.5", None, LOCK + TICK),
        ),
        Cheat(
            name="digests-behind-a-lock",
            loses=("9.6",),
            story="Looks whether a digest is free, and then takes it without a condition, behind a lock "
            "for the threads of one process: two workers send it twice.",
            says=("claim",),
            files=instead("9.6", None, None, None, LOCK + DIGEST),
        ),
        Cheat(
            name="a-lock-without-a-transaction",
            loses=("8.3",),
            story="Holds the lock of a document, by which the check knows a transaction, and commits each "
            "statement alone: after a crash the document can come back.",
            says=("withdraw()",),
            files=instead("8.3", None, WITHDRAW),
        ),
        Cheat(
            name="feed-outcomes-behind-a-lock",
            loses=("9.5",),
            story="Looks whether it has the newest claim of a feed, and then records without a condition.",
            says=("record(",),
            files=instead("9.5", None, None, None, LOCK + FEED_OUTCOME),
        ),
        Cheat(
            name="mail-outcomes-behind-a-lock",
            loses=("9.6",),
            story="Looks whether it has the newest claim of a digest, and then records without a condition.",
            says=("record(",),
            files=instead("9.6", None, None, None, None, None, LOCK + MAIL_OUTCOME),
        ),
    ],
)
