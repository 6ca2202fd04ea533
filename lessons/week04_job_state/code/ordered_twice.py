"""A customer sends one order twenty times at once, with one key. How many repairs come of it?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError
from local import repairs_table

SENDS = 20
Order = Callable[[Any, str], str]

together = threading.Barrier(SENDS)


def no_key(client: Any, _key: str) -> str:
    """Every request is an order."""
    together.wait()
    repair = f"repair-{uuid4()}"
    client.put_item(TableName="repairs", Item={"id": repair})
    return repair


def look_first(client: Any, key: str) -> str:
    """Look whether the key came before; if not, make the repair and note the key."""
    note = {"id": f"key-{key}"}
    known = client.get_item(TableName="repairs", Key=note, ConsistentRead=True).get("Item")
    together.wait()
    if known:
        return str(known["repair"])
    repair = f"repair-{uuid4()}"
    client.put_item(TableName="repairs", Item={"id": repair})
    client.put_item(TableName="repairs", Item={**note, "repair": repair})
    return repair


def on_condition(client: Any, key: str) -> str:
    """Note the key if it is new; DynamoDB decides who was first. Then make the repair."""
    together.wait()
    repair = f"repair-{uuid4()}"
    try:
        client.put_item(
            TableName="repairs",
            Item={"id": f"key-{key}", "repair": repair},
            ConditionExpression=Attr("id").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return str(error.response["Item"]["repair"]["S"])
    client.put_item(TableName="repairs", Item={"id": repair})
    return repair


def send_all(table: Any, order: Order) -> None:
    """Send the order many times at once, and count."""
    key = str(uuid4())
    before = repairs(table)
    with ThreadPoolExecutor(SENDS) as pool:
        answers = list(pool.map(lambda _: order(table.meta.client, key), range(SENDS)))
    made = repairs(table) - before
    print(f"{order.__name__ + ':':<13} {made} repairs, {len(set(answers))} different answers")


def repairs(table: Any) -> int:
    items = table.scan(FilterExpression=Attr("id").begins_with("repair-"))
    return int(items["Count"])


def main() -> None:
    with repairs_table() as table:
        for order in (no_key, look_first, on_condition):
            send_all(table, order)


if __name__ == "__main__":
    main()
