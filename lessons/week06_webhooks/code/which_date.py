"""Slips of paper say "see to card 1". Some come twice, some early; one clerk never comes back."""

from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from local import postcards_table

ROUND = 10
"""How long a clerk may take for one visit. Minutes."""
CARD = {"id": "card-1", "status": "in the tray", "not_before": 0, "visits": 0}
SLIPS = [0, 0, 3, 12, 12]
"""Minutes at which a slip is found. The clerk of minute 0 falls on the ice, and is not heard of again."""


def any_time(now: int) -> ConditionBase:
    """The card is not done with."""
    return Attr("status").eq("in the tray")


def when_due(now: int) -> ConditionBase:
    """And its date has come."""
    return any_time(now) & Attr("not_before").lte(now)


def take(table: Any, now: int, condition: ConditionBase) -> bool:
    """Take the card for a visit. Its date is moved *first*: if I do not come back, it is due again."""
    try:
        table.update_item(
            Key={"id": "card-1"},
            UpdateExpression="SET not_before = :back ADD visits :one",
            ConditionExpression=condition,
            ExpressionAttributeValues={":back": now + ROUND, ":one": 1},
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def main() -> None:
    with postcards_table() as table:
        for condition in (any_time, when_due):
            table.put_item(Item=CARD)
            taken = [minute for minute in SLIPS if take(table, minute, condition(minute))]
            print(f"{condition.__name__ + ':':<9} visits at minute", *taken)


if __name__ == "__main__":
    main()
