"""A collected repair was to be deleted an hour ago. Who still sees it?"""

import time
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table

HOUR = 3600


def fill(table: Any) -> None:
    """Two repairs: one to be deleted an hour ago, one that has no such time."""
    table.put_item(Item={"id": "bike-3", "delete_at": int(time.time()) - HOUR})
    table.put_item(Item={"id": "bike-4"})


def ids(answer: dict[str, Any]) -> str:
    return " ".join(sorted(item["id"] for item in answer["Items"]))


def main() -> None:
    with repairs_table() as table:
        table.meta.client.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "delete_at"},
        )
        for _ in range(2):  # if items are being deleted right now, the next time is a minute away
            fill(table)
            found = table.scan()
            if found["Count"] == 2:
                break
        print("a scan:       ", ids(found))
        alive = Attr("delete_at").not_exists() | Attr("delete_at").gt(int(time.time()))
        print("with a filter:", ids(table.scan(FilterExpression=alive)))


if __name__ == "__main__":
    main()
