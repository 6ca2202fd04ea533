"""Forty documents fail at the same time, for two reasons. How many alerts are sent?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import documents_table

DOCUMENTS = 40
WORKERS = 8
HOUR = 3600
NOW = 12 * HOUR
"""The time of day in this program, in seconds."""
REASONS = ("expired key", "damaged file")

together = threading.Barrier(WORKERS)


def for_each(client: Any, reason: str) -> bool:
    """Send an alert for each failed document."""
    return True


def read_first(client: Any, reason: str) -> bool:
    """Send an alert, unless a record says that one was sent within the hour."""
    record = {"id": f"alert#{reason}"}
    found = client.get_item(TableName="documents", Key=record, ConsistentRead=True).get("Item")
    together.wait()
    if found and found["quiet_until"] > NOW:
        return False
    client.put_item(TableName="documents", Item={**record, "quiet_until": NOW + HOUR})
    return True


def one_condition(client: Any, reason: str) -> bool:
    """Let one conditional write decide who sends the alert. All failures are counted."""
    together.wait()
    try:
        client.update_item(
            TableName="documents",
            Key={"id": f"alert#{reason}"},
            UpdateExpression="SET quiet_until = :until ADD seen :one",
            ConditionExpression=Attr("id").not_exists() | Attr("quiet_until").lte(NOW),
            ExpressionAttributeValues={":until": NOW + HOUR, ":one": 1},
        )
    except client.exceptions.ConditionalCheckFailedException:
        client.update_item(
            TableName="documents",
            Key={"id": f"alert#{reason}"},
            UpdateExpression="ADD seen :one",
            ExpressionAttributeValues={":one": 1},
        )
        return False
    return True


def alerts(table: Any, send: Callable[[Any, str], bool]) -> int:
    """Let all documents fail, eight at a time, and count the alerts."""
    reasons = [REASONS[number // WORKERS % 2] for number in range(DOCUMENTS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(lambda reason: send(table.meta.client, reason), reasons))


def main() -> None:
    with documents_table() as table:
        for way in (for_each, read_first):
            print(f"{way.__name__ + ':':<14} {alerts(table, way)} alerts")
            for reason in REASONS:
                table.delete_item(Key={"id": f"alert#{reason}"})
        print(f"one_condition: {alerts(table, one_condition)} alerts")
        for reason in REASONS:
            seen = table.get_item(Key={"id": f"alert#{reason}"})["Item"]["seen"]
            print(f"   {reason}: seen {seen} times")


if __name__ == "__main__":
    main()
