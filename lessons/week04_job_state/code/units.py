"""Half an hour from now, written in four ways. What will become of the item, and who sees it?"""

import time
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table

HALF_AN_HOUR = 1800
YEAR = 365.25 * 24 * 3600


def as_date(value: Any) -> str:
    """What the value says to DynamoDB: seconds since 1970, or nothing at all."""
    if isinstance(value, str):
        return "no time at all"
    if value > 10**11:
        return f"in the year ~{1970 + value / YEAR:.0f}"
    if value > time.time():
        return "in half an hour"
    return f"in the year {datetime.fromtimestamp(value, UTC):%Y}"


def main() -> None:
    then = int(time.time()) + HALF_AN_HOUR
    ways = {
        "seconds": then,
        "milliseconds": then * 1000,
        "how long": HALF_AN_HOUR,
        "text": str(then),
    }
    with repairs_table() as table:
        for name, value in ways.items():
            table.put_item(Item={"id": name, "delete_at": value})
        alive = Attr("delete_at").not_exists() | Attr("delete_at").gt(int(time.time()))
        shown = {item["id"] for item in table.scan(FilterExpression=alive)["Items"]}
        for name, value in ways.items():
            seen = "shown" if name in shown else "hidden"
            print(f"{name:<13} to be deleted: {as_date(value):<18} now: {seen}")


if __name__ == "__main__":
    main()
