"""Half an hour from now, written in four ways. When is the item deleted, and is it shown?"""

import time
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import orders_table

HALF_AN_HOUR = 1800
YEAR = 365.25 * 24 * 3600


def as_date(value: Any) -> str:
    """Return the time that DynamoDB reads: it expects seconds since 1970."""
    if isinstance(value, str):
        return "never"
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
        "duration": HALF_AN_HOUR,
        "text": str(then),
    }
    with orders_table() as table:
        for name, value in ways.items():
            table.put_item(Item={"id": name, "delete_at": value})
        alive = Attr("delete_at").not_exists() | Attr("delete_at").gt(int(time.time()))
        shown = {item["id"] for item in table.scan(FilterExpression=alive)["Items"]}
        for name, value in ways.items():
            seen = "shown" if name in shown else "hidden"
            print(f"{name:<13} deleted: {as_date(value):<19} now: {seen}")


if __name__ == "__main__":
    main()
