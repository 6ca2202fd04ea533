"""A customer with 40 repairs, three of them waiting: what a limit counts."""

from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from local import repairs_table
from shop import REPAIRS, repair

WAITING = (3, 4, 25)


def ask(table: Any, place: dict[str, Any] | None) -> dict[str, Any]:
    """The waiting repairs among the next ten, newest first, from `place` on."""
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
    with repairs_table(REPAIRS) as table:
        for number in range(40):
            table.put_item(Item=repair(number, "Ada", "waiting" if number in WAITING else "ready"))
        place, more = None, True
        while more:
            answer = ask(table, place)
            place = answer.get("LastEvaluatedKey")
            more = place is not None
            found = [item["id"] for item in answer["Items"]]
            print(f"looked at {answer['ScannedCount']:>2}, found {found}, more to come: {more}")


if __name__ == "__main__":
    main()
