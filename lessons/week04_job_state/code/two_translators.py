"""Eight translators see the same waiting order. How many of them begin to work on it?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import orders_table

TRANSLATORS = ["Ann", "Ben", "Cem", "Dia", "Eli", "Fay", "Gus", "Hal"]
together = threading.Barrier(len(TRANSLATORS))
"""Lets all of them continue in the same moment, so that the race happens now and not in a year."""


def read_then_write(client: Any, name: str) -> bool:
    """Read whether the order waits, and take it if it does."""
    item = client.get_item(TableName="orders", Key={"id": "doc-17"}, ConsistentRead=True)["Item"]
    together.wait()
    if item["status"] != "waiting":
        return False
    taken = {**item, "status": "in work", "translator": name}
    client.put_item(TableName="orders", Item=taken)
    return True


def on_condition(client: Any, name: str) -> bool:
    """Take the order if it waits, with one request. DynamoDB decides."""
    together.wait()
    try:
        client.update_item(
            TableName="orders",
            Key={"id": "doc-17"},
            UpdateExpression="SET #status = :taken, translator = :name",
            ConditionExpression=Attr("status").eq("waiting"),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":taken": "in work", ":name": name},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def race(table: Any, take: Callable[[Any, str], bool]) -> None:
    """Let all translators try at the same moment."""
    table.put_item(Item={"id": "doc-17", "status": "waiting"})
    with ThreadPoolExecutor(len(TRANSLATORS)) as pool:
        began = list(pool.map(lambda name: take(table.meta.client, name), TRANSLATORS))
    row = table.get_item(Key={"id": "doc-17"}, ConsistentRead=True)["Item"]
    names = {row["translator"]} & set(TRANSLATORS)
    print(f"{take.__name__}: {sum(began)} began, {len(names)} is in the row")


def main() -> None:
    with orders_table() as table:
        race(table, read_then_write)
        race(table, on_condition)


if __name__ == "__main__":
    main()
