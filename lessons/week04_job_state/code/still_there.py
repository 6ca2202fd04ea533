"""An order expired an hour ago. Which requests still see it?"""

import time
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from local import orders_table

HOUR = 3600


def fill(table: Any) -> None:
    """Write two orders: one that expired an hour ago, and one without an expiry."""
    table.put_item(Item={"id": "doc-3", "delete_at": int(time.time()) - HOUR})
    table.put_item(Item={"id": "doc-4"})


def ids(answer: dict[str, Any]) -> str:
    return " ".join(sorted(item["id"] for item in answer["Items"]))


def visible() -> ConditionBase:
    """Return the condition under which an order is shown."""
    return Attr("delete_at").not_exists() | Attr("delete_at").gt(int(time.time()))


def main() -> None:
    with orders_table() as table:
        table.meta.client.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "delete_at"},
        )
        for _ in range(2):  # if items are deleted right now, the next time is a minute away
            fill(table)
            found = table.scan()
            if found["Count"] == 2:
                break
        print("a scan:       ", ids(found))
        print("with a filter:", ids(table.scan(FilterExpression=visible())))


if __name__ == "__main__":
    main()
