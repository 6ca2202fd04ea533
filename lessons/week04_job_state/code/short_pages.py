"""A customer has 40 orders, and three of them wait. What does a limit count?"""

from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from local import orders_table
from office import ORDERS, order

WAITING = (3, 4, 25)


def ask(table: Any, place: dict[str, Any] | None) -> dict[str, Any]:
    """Return the waiting orders among the next ten, newest first, from `place` on."""
    answer: dict[str, Any] = table.query(
        IndexName="by_customer",
        KeyConditionExpression=Key("customer").eq("Ada"),
        FilterExpression=Attr("status").eq("waiting"),
        ScanIndexForward=False,
        Limit=10,
        **({"ExclusiveStartKey": place} if place else {}),
    )
    return answer


def main() -> None:
    with orders_table(ORDERS) as table:
        for number in range(40):
            table.put_item(Item=order(number, "Ada", "waiting" if number in WAITING else "ready"))
        place, more = None, True
        while more:
            answer = ask(table, place)
            place = answer.get("LastEvaluatedKey")
            more = place is not None
            found = [item["id"] for item in answer["Items"]]
            print(f"read {answer['ScannedCount']:>2}, found {found}, more to come: {more}")


if __name__ == "__main__":
    main()
