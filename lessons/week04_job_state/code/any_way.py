"""A customer withdraws an order, and the translator does not know. Two ways to write a status."""

from typing import Any

from boto3.dynamodb.conditions import Attr
from local import orders_table

CHANGES = {"waiting": ["in work", "withdrawn"], "in work": ["ready", "withdrawn"]}
"""The statuses to which an order may change, by its status."""


def set_status(table: Any, to: str) -> None:
    """Write the status whatever the old one is."""
    write(table, to, {})


def change_status(table: Any, to: str) -> None:
    """Write the status only if the old one permits it."""
    start = [status for status, goals in CHANGES.items() if to in goals]
    write(table, to, {"ConditionExpression": Attr("status").is_in(start)})


def write(table: Any, to: str, condition: dict[str, Any]) -> None:
    table.update_item(
        Key={"id": "doc-17"},
        UpdateExpression="SET #status = :to",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":to": to},
        **condition,
    )


def main() -> None:
    with orders_table() as table:
        for way in (set_status, change_status):
            table.put_item(Item={"id": "doc-17", "status": "waiting"})
            print(way.__name__)
            for to in ("in work", "withdrawn", "ready"):
                try:
                    way(table, to)
                except table.meta.client.exceptions.ConditionalCheckFailedException:
                    print(f"   {to}: rejected")
                else:
                    print(f"   {to}: written")
            print("   the row says:", table.get_item(Key={"id": "doc-17"})["Item"]["status"])


if __name__ == "__main__":
    main()
