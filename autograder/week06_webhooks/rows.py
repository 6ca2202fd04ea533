"""Webhook deliveries as items of the jobs table, made without any code of the student."""

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
    """Return a pending delivery whose attempt is due. An attribute that is None is omitted."""
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
    """Return the shard of the due index, by week 4's rule."""
    return zlib.crc32(key.encode()) % SHARDS


def id_of(item: Item) -> str:
    """Return the delivery's id, which is the header `webhook-id`."""
    return str(item["id"]).removeprefix(PREFIX)


def now_due(item: Item) -> Item:
    """Return the attributes that make a delivery's next attempt due now, so that no test waits for it."""
    past: Item = {"next_at": moment(-1), "due_at": moment(-1), "due_shard": shard(item["id"])}
    return past | ({"lease_until": moment(-1)} if "lease_until" in item else {})
