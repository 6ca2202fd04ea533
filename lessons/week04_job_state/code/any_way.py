"""A customer takes a bicycle back; the mechanic does not know. Two ways to write a status."""

from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table

WAYS = {"waiting": ["in hand", "given back"], "in hand": ["ready", "given back"]}
"""Where a repair may go from where it is."""


def set_status(table: Any, to: str) -> None:
    write(table, to, {})


def go(table: Any, to: str) -> None:
    start = [status for status, goals in WAYS.items() if to in goals]
    write(table, to, {"ConditionExpression": Attr("status").is_in(start)})


def write(table: Any, to: str, condition: dict[str, Any]) -> None:
    table.update_item(
        Key={"id": "bike-17"},
        UpdateExpression="SET #status = :to",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":to": to},
        **condition,
    )


def main() -> None:
    with repairs_table() as table:
        for way in (set_status, go):
            table.put_item(Item={"id": "bike-17", "status": "waiting"})
            print(way.__name__)
            for to in ("in hand", "given back", "ready"):
                try:
                    way(table, to)
                except table.meta.client.exceptions.ConditionalCheckFailedException:
                    print(f"   {to}: refused")
                else:
                    print(f"   {to}: written")
            print("   the row says:", table.get_item(Key={"id": "bike-17"})["Item"]["status"])


if __name__ == "__main__":
    main()
