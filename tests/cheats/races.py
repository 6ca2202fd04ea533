"""Week 4: races that are won without one conditional write.

Each of these knows that the graders let somebody else act right before a write. It finds out whether
that has happened, or whether it is watched at all, and writes blindly else.
"""

from __future__ import annotations

import textwrap

from tests.cheats.making import Cheat, instead, of_family

FEEL = """
try:
    jobs().update({key}, {{}}, Attr("status").eq("nothing at all"))
except ConditionFailed:
    pass
"""
"""A write that cannot succeed."""


def locked(*pieces: str) -> str:
    """This code, by one process of this machine at a time: the next machine has another folder."""
    lock = """
    import fcntl, os, tempfile
    with open(os.path.join(tempfile.gettempdir(), "jobs.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    """
    return textwrap.dedent(lock) + textwrap.indent("".join(pieces), "    ")


MOVE_LOOKS = """
item = jobs().get(job_id)
if item is None:
    raise JobNotFound
job = Job.from_item(item)
if to not in ALLOWED[job.status] or generation not in (None, job.generation):
    raise JobConflict
"""
MOVE_REFUSES = """
if generation is not None and not changes:
    raise JobConflict
"""
MOVE_WRITES = "return Job.from_item(jobs().update(job_id, new, Attr(KEY).exists()))\n"
MOVE_WRITES_TWICE = """
half = {name: new.pop(name) for name in ("status", "lease_owner", "lease_until")}
jobs().update(job_id, half, Attr(KEY).exists())
"""

LOOKS = """
item = jobs().get(job_id)
if item is None:
    return None
job = Job.from_item(item)
abandoned = job.status == Status.PROCESSING and (job.lease_until or 0) <= moment()
if job.status != Status.PENDING and not abandoned:
    return None
"""
WRITES = """
count = {"deliveries": 1, "generation": 1}
return Job.from_item(jobs().update(job_id, changes, Attr("id").exists(), add=count))
"""
TABLE = """
import boto3
table = boto3.resource("dynamodb").Table("jobs")
"""
TOUCHES = """
one = {":one": 1}
table.update_item(Key={"id": job_id}, UpdateExpression="SET touched = :one",
    ExpressionAttributeValues=one)
touched = table.update_item(Key={"id": job_id}, UpdateExpression="REMOVE touched",
    ReturnValues="ALL_NEW")
if touched["Attributes"] != item:
    return None
"""
PUTS_BACK = """
new = {**item, **changes, "deliveries": job.deliveries + 1, "generation": job.generation + 1}
new = {name: value for name, value in new.items() if value is not None}
old = table.put_item(Item=new, ReturnValues="ALL_OLD")["Attributes"]
if old != item:
    table.put_item(Item=old)
    return None
return Job.from_item(new)
"""
WRITES_PARTIQL = """
new = {**changes, "deliveries": job.deliveries + 1, "generation": job.generation + 1}
new = {name: value for name, value in new.items() if value is not None}
sets = ", ".join(f'"{name}" = ?' for name in new)
table.meta.client.execute_statement(Parameters=list(new.values()),
    Statement=f"UPDATE \\"jobs\\" SET {sets} WHERE \\"id\\" = '{job_id}'")
return Job.from_item(jobs().get(job_id))
"""

BEGIN_LOOKS = """
item = jobs().get(job_id)
job = Job.from_item(item) if item else None
if job is None or job.status != Status.PROCESSING or job.lease_owner:
    return None
if job.steps_done != number - 1:
    return None
"""
BEGIN_WRITES = """
changes = {"step": name, f"steps.{name}": {"started_at": moment()}, **lease(job_id, worker)}
there = Attr("id").exists()
return Job.from_item(jobs().update(job_id, changes, there, add={"generation": 1}))
"""
END_REFUSES = """
if more.get("mark") == "late":
    raise JobConflict
step = STEPS[number - 1]
percent = max(job.percent, step.percent)
ended = {"steps_done": number, "percent": percent, f"steps.{step.name}.ended_at": moment(), **more}
now = Job.from_item(jobs().get(job.id))
if number == len(STEPS):
    return move(job.id, Status.COMPLETED, ended, generation=now.generation)
return hand_over(now, ended)
"""

ONCE_LOOKS = """
found = jobs().get(record[KEY])
if found is not None and found[EXPIRY] > moment():
    if found["fingerprint"] != record["fingerprint"]:
        raise IdempotencyKeyReused
    return Created(found["job_id"], replayed=True)
"""
ONCE_WRITES = """
anyone = Attr(KEY).not_exists() | Attr(KEY).exists()
jobs().put_together((new_item(document, owner), Attr(KEY).not_exists()), (record, anyone))
return Created(document.document_id, replayed=False)
"""
ONCE_WRITES_TWICE = """
try:
    jobs().put_together((record, Attr(KEY).not_exists() | Attr(EXPIRY).lte(moment())))
except ConditionFailed as failed:
    first = failed.found[0]
    if first["fingerprint"] != record["fingerprint"]:
        raise IdempotencyKeyReused from None
    return Created(first["job_id"], replayed=True)
return create(document, owner)
"""

FEEL_JOB, FEEL_RECORD = FEEL.format(key="job_id"), FEEL.format(key="record[KEY]")

CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="a-move-that-feels-for-others",
            loses=("4.2",),
            story="Sends a write that cannot succeed, so that whoever meddles before a write does so "
            "now; then looks, and writes without a condition.",
            says=("a gap",),
            files=instead("4.2", locked(FEEL_JOB, MOVE_LOOKS, MOVE_WRITES)),
        ),
        Cheat(
            name="a-move-whose-death-comes-early",
            loses=("4.2",),
            story="Its first write does nothing, so that a death after the first write finds nothing "
            "half done. Then come two.",
            says=("dies after",),
            files=instead("4.2", locked(FEEL_JOB, MOVE_LOOKS, MOVE_WRITES_TWICE, MOVE_WRITES)),
        ),
        Cheat(
            name="a-move-that-refuses-what-is-watched",
            loses=("4.2",),
            story="Knows by its arguments the call before whose write somebody else writes, and "
            "refuses that one alone; all others it writes without a condition.",
            says=("a gap",),
            files=instead("4.2", locked(MOVE_LOOKS, MOVE_REFUSES, MOVE_WRITES)),
        ),
        Cheat(
            name="a-lock-of-this-machine",
            loses=("4.3",),
            story="Looks, then takes the job, behind a lock in a file: on one machine a hundred "
            "workers wait for each other, and those on the next one do not.",
            says=("a gap",),
            files=instead("4.3", locked(LOOKS, WRITES)),
        ),
        Cheat(
            name="an-acquire-that-feels-for-others",
            loses=("4.3",),
            story="The same, after a write that cannot succeed: whoever comes between comes now.",
            says=("a gap",),
            files=instead("4.3", locked(FEEL_JOB, LOOKS, WRITES)),
        ),
        Cheat(
            name="an-acquire-that-touches-first",
            loses=("4.3",),
            story="The same, after a write that does succeed, and whose trace the second one removes.",
            says=("a gap",),
            files=instead("4.3", locked(LOOKS, TABLE, TOUCHES, WRITES)),
        ),
        Cheat(
            name="an-acquire-that-puts-back",
            loses=("4.3",),
            story="Writes blindly, asks what was there before, and puts that back if it was another's.",
            says=("a gap",),
            files=instead("4.3", locked(LOOKS, TABLE, PUTS_BACK)),
        ),
        Cheat(
            name="an-acquire-in-another-language",
            loses=("4.3",),
            story="Writes in PartiQL, where the job's id stands between other quotes than the graders "
            "look for.",
            says=("a gap",),
            files=instead("4.3", locked(FEEL_JOB, LOOKS, TABLE, WRITES_PARTIQL)),
        ),
        Cheat(
            name="a-key-that-feels-for-others",
            loses=("4.4",),
            story="A write that cannot succeed, a look for the key, then job and record without a "
            "condition: two machines make two jobs of one key.",
            says=("right before its write",),
            files=instead("4.4", locked(FEEL_RECORD, ONCE_LOOKS, ONCE_WRITES)),
        ),
        Cheat(
            name="a-key-whose-death-comes-early",
            loses=("4.4",),
            story="Its first write does nothing, so that a death after the first write finds nothing "
            "half done. Then come record and job, one after the other.",
            says=("dies after",),
            files=instead("4.4", FEEL_RECORD + ONCE_WRITES_TWICE),
        ),
        Cheat(
            name="a-step-that-feels-for-others",
            loses=("4.6",),
            story="Begins a step as the acquire does that feels for others.",
            says=("a gap",),
            files=instead("4.6", locked(FEEL_JOB, BEGIN_LOOKS, BEGIN_WRITES)),
        ),
        Cheat(
            name="an-end-that-knows-it-is-late",
            loses=("4.6",),
            story="Refuses the results that the graders send too late, by what they hold, and writes "
            "all others in whatever generation the job has.",
            says=("JobConflict",),
            files=instead("4.6", None, END_REFUSES),
        ),
    ],
)
