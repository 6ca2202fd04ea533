"""A repair has three stages, each with a note to whoever does it. The notes come twice, and late."""

from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table

STAGES = ("wash", "repair", "test")
NOTES = ["wash", "repair", "wash", "test", "repair", "test"]
"""The notes as they arrive."""


def finish(table: Any, stage: str) -> bool:
    """Write that a stage is done, if it is the one that comes next."""
    number = STAGES.index(stage) + 1
    try:
        table.update_item(
            Key={"id": "bike-17"},
            UpdateExpression="SET stages_done = :number, stages.#stage = :done",
            ConditionExpression=Attr("stages_done").eq(number - 1),
            ExpressionAttributeNames={"#stage": stage},
            ExpressionAttributeValues={":number": number, ":done": "done"},
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def main() -> None:
    with repairs_table() as table:
        table.put_item(Item={"id": "bike-17", "stages_done": 0, "stages": {}})
        for note in NOTES:
            print(f"{note + ':':<8}", "done" if finish(table, note) else "not what comes next")
        row = table.get_item(Key={"id": "bike-17"})["Item"]
        print("stages:", *[stage for stage in STAGES if stage in row["stages"]])


if __name__ == "__main__":
    main()
