"""A customer sends one order twenty times at once, with one key. How many orders are created?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError
from local import orders_table

SENDS = 20
Submit = Callable[[Any, str], str]

together = threading.Barrier(SENDS)


def no_key(client: Any, _key: str) -> str:
    """Create an order for every request."""
    together.wait()
    order = f"order-{uuid4()}"
    client.put_item(TableName="orders", Item={"id": order})
    return order


def look_first(client: Any, key: str) -> str:
    """Look for the key. If it is new, create the order and a record of the key."""
    record = {"id": f"key-{key}"}
    known = client.get_item(TableName="orders", Key=record, ConsistentRead=True).get("Item")
    together.wait()
    if known:
        return str(known["order"])
    order = f"order-{uuid4()}"
    client.put_item(TableName="orders", Item={"id": order})
    client.put_item(TableName="orders", Item={**record, "order": order})
    return order


def on_condition(client: Any, key: str) -> str:
    """Write the record only if the key is new, with one request. Then create the order."""
    together.wait()
    order = f"order-{uuid4()}"
    try:
        client.put_item(
            TableName="orders",
            Item={"id": f"key-{key}", "order": order},
            ConditionExpression=Attr("id").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return str(error.response["Item"]["order"]["S"])
    client.put_item(TableName="orders", Item={"id": order})
    return order


def send_all(table: Any, submit: Submit) -> None:
    """Send the order many times at once, and count orders and responses."""
    key = str(uuid4())
    before = orders(table)
    with ThreadPoolExecutor(SENDS) as pool:
        responses = list(pool.map(lambda _: submit(table.meta.client, key), range(SENDS)))
    created = orders(table) - before
    name = f"{submit.__name__}:"
    print(f"{name:<13} {created} orders, {len(set(responses))} different responses")


def orders(table: Any) -> int:
    """Count the orders in the table."""
    items = table.scan(FilterExpression=Attr("id").begins_with("order-"))
    return int(items["Count"])


def main() -> None:
    with orders_table() as table:
        for submit in (no_key, look_first, on_condition):
            send_all(table, submit)


if __name__ == "__main__":
    main()
