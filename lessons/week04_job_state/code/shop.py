"""The bicycle shop's table, with an index for each question that is asked of it."""

import zlib
from typing import Any

SHARDS = 4

REPAIRS: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "brought_at", "AttributeType": "N"},
        {"AttributeName": "call_shard", "AttributeType": "N"},
        {"AttributeName": "call_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_customer",
            "KeySchema": [
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "brought_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "to_call",
            "KeySchema": [
                {"AttributeName": "call_shard", "KeyType": "HASH"},
                {"AttributeName": "call_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


def shard(repair_id: str) -> int:
    """Always the same for the same id, and evenly spread over all ids."""
    return zlib.crc32(repair_id.encode()) % SHARDS


def repair(number: int, customer: str, status: str) -> dict[str, Any]:
    """A repair that was brought in at second `number`."""
    return {
        "id": f"bike-{number}",
        "customer": customer,
        "status": status,
        "brought_at": number,
    }
