"""An order has three stages, each with a message. The messages come twice, and late."""

from typing import Any

from boto3.dynamodb.conditions import Attr
from local import orders_table

STAGES = ("translate", "review", "format")
MESSAGES = ["translate", "review", "translate", "format", "review", "format"]
"""The messages in the order in which they arrive."""


def finish(table: Any, stage: str) -> bool:
    """Write that a stage is done, if it is the next one."""
    number = STAGES.index(stage) + 1
    try:
        table.update_item(
            Key={"id": "doc-17"},
            UpdateExpression="SET stages_done = :number, stages.#stage = :done",
            ConditionExpression=Attr("stages_done").eq(number - 1),
            ExpressionAttributeNames={"#stage": stage},
            ExpressionAttributeValues={":number": number, ":done": "done"},
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def main() -> None:
    with orders_table() as table:
        table.put_item(Item={"id": "doc-17", "stages_done": 0, "stages": {}})
        for stage in MESSAGES:
            print(f"{stage + ':':<10}", "done" if finish(table, stage) else "rejected")
        row = table.get_item(Key={"id": "doc-17"})["Item"]
        print("stages in the row:", *[stage for stage in STAGES if stage in row["stages"]])


if __name__ == "__main__":
    main()
