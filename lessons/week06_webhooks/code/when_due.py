"""Messages ask for an attempt at one delivery. Some are duplicates, some early; one worker dies."""

from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from local import deliveries_table

LEASE = 10
"""How long a worker may take for one attempt. Minutes."""
DELIVERY = {"id": "msg-1", "status": "pending", "not_before": 0, "attempts": 0}
MESSAGES = [0, 0, 3, 12, 12]
"""The minutes at which a message arrives. The worker of minute 0 dies during its attempt."""


def any_time(now: int) -> ConditionBase:
    """The delivery is not finished."""
    return Attr("status").eq("pending")


def when_due(now: int) -> ConditionBase:
    """The delivery is not finished, and its time has come."""
    return any_time(now) & Attr("not_before").lte(now)


def take(table: Any, now: int, condition: ConditionBase) -> bool:
    """Take the delivery, and set a later due time: if this worker dies, it is due again then."""
    try:
        table.update_item(
            Key={"id": "msg-1"},
            UpdateExpression="SET not_before = :later ADD attempts :one",
            ConditionExpression=condition,
            ExpressionAttributeValues={":later": now + LEASE, ":one": 1},
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def main() -> None:
    with deliveries_table() as table:
        for condition in (any_time, when_due):
            table.put_item(Item=DELIVERY)
            taken = [minute for minute in MESSAGES if take(table, minute, condition(minute))]
            print(f"{condition.__name__ + ':':<9} attempts at minute", *taken)


if __name__ == "__main__":
    main()
