"""Deliveries as items of the jobs table, made by no code of the student's."""

from __future__ import annotations

import json
import zlib
from decimal import Decimal
from random import Random
from typing import Any

from autograder.sdk.jobs_table import LONG, SHARDS, Item, moment, new_id

PREFIX = "delivery#"
PUBLIC = "public"
ENDED = ("delivered", "exhausted", "discarded")


def endpoint_id(rng: Random) -> str:
    return f"ep_{rng.getrandbits(128):032x}"


def delivery(rng: Random, **more: Any) -> Item:
    """A delivery that waits, and whose time has come. None leaves an attribute out."""
    made = f"msg_{rng.getrandbits(128):032x}"
    endpoint = endpoint_id(rng)
    tries = rng.randint(0, 2)
    item: Item = {
        "id": PREFIX + made,
        "owner": f"deliveries#{endpoint}",
        "endpoint_id": endpoint,
        "endpoint_owner": PUBLIC,
        "job_id": new_id(rng),
        "event": "job.completed",
        "body": json.dumps({"type": "job.completed", "data": {"n": rng.random()}}),
        "status": "pending",
        "created_at": moment(-rng.uniform(50, 900)),
        "updated_at": moment(-30),
        "next_at": moment(-rng.uniform(1, 20)),
        "tries": tries,
        "tries_before": 0,
        "attempts": {
            str(n): {"at": moment(-40), "status": Decimal(500)} for n in range(1, tries + 1)
        },
        "due_shard": shard(PREFIX + made),
        "due_at": moment(LONG),
        "write_id": f"{rng.getrandbits(128):032x}",
    }
    item |= more
    if item["status"] in ENDED:
        item |= {"due_at": None, "due_shard": None, "expires_at": int(moment(LONG))}
    return {name: value for name, value in item.items() if value is not None}


def shard(key: str) -> int:
    """Where the outbox looks for it: week 4's rule."""
    return zlib.crc32(key.encode()) % SHARDS


def id_of(item: Item) -> str:
    """The delivery's id: what is sent as `webhook-id`."""
    return str(item["id"]).removeprefix(PREFIX)


def now_due(item: Item) -> Item:
    """What makes a delivery's next attempt come now. So long we do not want to wait."""
    past: Item = {"next_at": moment(-1), "due_at": moment(-1), "due_shard": shard(item["id"])}
    return past | ({"lease_until": moment(-1)} if "lease_until" in item else {})
