"""Eight mechanics see the same waiting bicycle. How many begin to repair it?"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table

MECHANICS = ["Ann", "Ben", "Cem", "Dia", "Eli", "Fay", "Gus", "Hal"]
together = threading.Barrier(len(MECHANICS))
"""Lets everybody go on once all are here: so that the race happens now and not in a year."""


def read_then_write(client: Any, name: str) -> bool:
    """Look whether the bicycle waits, and if so, take it."""
    item = client.get_item(TableName="repairs", Key={"id": "bike-17"}, ConsistentRead=True)["Item"]
    together.wait()
    if item["status"] != "waiting":
        return False
    taken = {**item, "status": "in hand", "mechanic": name}
    client.put_item(TableName="repairs", Item=taken)
    return True


def on_condition(client: Any, name: str) -> bool:
    """Take the bicycle if it waits: one request, and DynamoDB decides."""
    together.wait()
    try:
        client.update_item(
            TableName="repairs",
            Key={"id": "bike-17"},
            UpdateExpression="SET #status = :taken, mechanic = :name",
            ConditionExpression=Attr("status").eq("waiting"),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":taken": "in hand", ":name": name},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def race(table: Any, take: Callable[[Any, str], bool]) -> None:
    """Let all of them try at the same moment."""
    table.put_item(Item={"id": "bike-17", "status": "waiting"})
    with ThreadPoolExecutor(len(MECHANICS)) as pool:
        began = list(pool.map(lambda name: take(table.meta.client, name), MECHANICS))
    row = table.get_item(Key={"id": "bike-17"}, ConsistentRead=True)["Item"]
    names = {row["mechanic"]} & set(MECHANICS)
    print(f"{take.__name__}: {sum(began)} began; {len(names)} stands in the row")


def main() -> None:
    with repairs_table() as table:
        race(table, read_then_write)
        race(table, on_condition)


if __name__ == "__main__":
    main()
