"""Key and repair are two items. The shop's computer dies after the first, and the customer retries."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionExpressionBuilder
from local import repairs_table

KEY = "key-of-the-customer"
REPAIR = {"id": "bike-17", "status": "waiting"}
NOTE = {"id": KEY, "repair": "bike-17"}


class PowerCutError(Exception):
    """Stands for everything that ends a process between two lines."""


def key_first(table: Any, dies: bool) -> None:
    put(table, NOTE)
    if dies:
        raise PowerCutError
    put(table, REPAIR)


def repair_first(table: Any, dies: bool) -> None:
    put(table, {**REPAIR, "id": "bike-17" if dies else "bike-18"})  # every attempt has a new id
    if dies:
        raise PowerCutError
    put(table, NOTE)


def together(table: Any, dies: bool) -> None:
    """Both or none: there is no line between the two at which one could die."""
    writes = [{"Put": only_if_new(item)} for item in (NOTE, REPAIR)]
    if dies:
        raise PowerCutError
    table.meta.client.transact_write_items(TransactItems=writes)


def only_if_new(item: dict[str, Any]) -> dict[str, Any]:
    """A write as a transaction wants it, on the condition that there is no such item."""
    built = ConditionExpressionBuilder().build_expression(Attr("id").not_exists())
    return {
        "TableName": "repairs",
        "Item": item,
        "ConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
    }


def put(table: Any, item: dict[str, Any]) -> None:
    """Write an item unless there is one with this id."""
    table.put_item(Item=item, ConditionExpression=Attr("id").not_exists())


def try_twice(table: Any, order: Callable[[Any, bool], None]) -> None:
    with suppress(PowerCutError):
        order(table, True)
    with suppress(table.meta.client.exceptions.ConditionalCheckFailedException):
        order(table, False)
    items = table.scan()["Items"]
    bikes = sum(item["id"].startswith("bike-") for item in items)
    print(f"{order.__name__ + ':':<14} {len(items) - bikes} key, {bikes} repairs")
    for item in items:
        table.delete_item(Key={"id": item["id"]})


def main() -> None:
    with repairs_table() as table:
        for order in (key_first, repair_first, together):
            try_twice(table, order)


if __name__ == "__main__":
    main()
