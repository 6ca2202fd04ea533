"""The translation office's table, with an index for each question that the office asks."""

import zlib
from typing import Any

SHARDS = 4

ORDERS: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "received_at", "AttributeType": "N"},
        {"AttributeName": "call_shard", "AttributeType": "N"},
        {"AttributeName": "call_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_customer",
            "KeySchema": [
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "received_at", "KeyType": "RANGE"},
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


def shard(order_id: str) -> int:
    """Return the shard of an order: always the same for an id, and evenly spread over all ids."""
    return zlib.crc32(order_id.encode()) % SHARDS


def order(number: int, customer: str, status: str) -> dict[str, Any]:
    """Return the item of an order that was received at second `number`."""
    return {
        "id": f"doc-{number}",
        "customer": customer,
        "status": status,
        "received_at": number,
    }
