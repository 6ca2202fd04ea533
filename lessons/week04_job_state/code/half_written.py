"""Key and order are two items. The process dies after the first, and the customer repeats."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionExpressionBuilder
from local import orders_table

KEY = "key-of-the-customer"
ORDER = {"id": "doc-17", "status": "waiting"}
RECORD = {"id": KEY, "order": "doc-17"}


class ProcessDiedError(Exception):
    """Stands for every reason why a process ends between two lines."""


def key_first(table: Any, dies: bool) -> None:
    put(table, RECORD)
    if dies:
        raise ProcessDiedError
    put(table, ORDER)


def order_first(table: Any, dies: bool) -> None:
    put(table, {**ORDER, "id": "doc-17" if dies else "doc-18"})  # every request has a new id
    if dies:
        raise ProcessDiedError
    put(table, RECORD)


def together(table: Any, dies: bool) -> None:
    """Write both or none. There is no line between the two at which the process can die."""
    writes = [{"Put": only_if_new(item)} for item in (RECORD, ORDER)]
    if dies:
        raise ProcessDiedError
    table.meta.client.transact_write_items(TransactItems=writes)


def only_if_new(item: dict[str, Any]) -> dict[str, Any]:
    """Return a write of a transaction, on the condition that there is no such item."""
    built = ConditionExpressionBuilder().build_expression(Attr("id").not_exists())
    return {
        "TableName": "orders",
        "Item": item,
        "ConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
    }


def put(table: Any, item: dict[str, Any]) -> None:
    """Write an item, unless there is one with this id."""
    table.put_item(Item=item, ConditionExpression=Attr("id").not_exists())


def try_twice(table: Any, submit: Callable[[Any, bool], None]) -> None:
    """Submit an order in a process that dies, then repeat the request."""
    with suppress(ProcessDiedError):
        submit(table, True)
    with suppress(table.meta.client.exceptions.ConditionalCheckFailedException):
        submit(table, False)
    items = table.scan()["Items"]
    orders = sum(item["id"].startswith("doc-") for item in items)
    print(f"{submit.__name__ + ':':<13} {len(items) - orders} key, {orders} orders")
    for item in items:
        table.delete_item(Key={"id": item["id"]})


def main() -> None:
    with orders_table() as table:
        for submit in (key_first, order_first, together):
            try_twice(table, submit)


if __name__ == "__main__":
    main()
