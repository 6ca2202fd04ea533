"""Forty parcels are given up within a second, for two reasons. How often does the phone ring?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import parcels_table

PARCELS = 40
COURIERS = 8
HOUR = 3600
NOON = 12 * HOUR
"""What the depot's clock says."""
REASONS = ("road closed", "no such street")

together = threading.Barrier(COURIERS)


def for_each(client: Any, reason: str) -> bool:
    """Every parcel that is given up is a call."""
    return True


def look_first(client: Any, reason: str) -> bool:
    """Call, unless a note says that somebody has called within the hour."""
    note = {"id": f"call#{reason}"}
    found = client.get_item(TableName="parcels", Key=note, ConsistentRead=True).get("Item")
    together.wait()
    if found and found["quiet_until"] > NOON:
        return False
    client.put_item(TableName="parcels", Item={**note, "quiet_until": NOON + HOUR})
    return True


def on_condition(client: Any, reason: str) -> bool:
    """The same in one write: DynamoDB decides who calls. All are counted."""
    together.wait()
    try:
        client.update_item(
            TableName="parcels",
            Key={"id": f"call#{reason}"},
            UpdateExpression="SET quiet_until = :until ADD seen :one",
            ConditionExpression=Attr("id").not_exists() | Attr("quiet_until").lte(NOON),
            ExpressionAttributeValues={":until": NOON + HOUR, ":one": 1},
        )
    except client.exceptions.ConditionalCheckFailedException:
        client.update_item(
            TableName="parcels",
            Key={"id": f"call#{reason}"},
            UpdateExpression="ADD seen :one",
            ExpressionAttributeValues={":one": 1},
        )
        return False
    return True


def calls(table: Any, shall_call: Callable[[Any, str], bool]) -> int:
    """Give all parcels up, eight at a time, and count the calls."""
    reasons = [REASONS[number // COURIERS % 2] for number in range(PARCELS)]
    with ThreadPoolExecutor(COURIERS) as pool:
        return sum(pool.map(lambda reason: shall_call(table.meta.client, reason), reasons))


def main() -> None:
    with parcels_table() as table:
        for way in (for_each, look_first):
            print(f"{way.__name__ + ':':<13} {calls(table, way)} calls")
            for reason in REASONS:
                table.delete_item(Key={"id": f"call#{reason}"})
        print(f"on_condition: {calls(table, on_condition)} calls")
        for reason in REASONS:
            seen = table.get_item(Key={"id": f"call#{reason}"})["Item"]["seen"]
            print(f"   {reason}: seen {seen} times")


if __name__ == "__main__":
    main()
