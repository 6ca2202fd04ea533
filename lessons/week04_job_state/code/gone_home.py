"""Ann takes a bicycle for a while, falls asleep, and wakes up after Ben has taken it over."""

import time
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError
from local import repairs_table

LEASE_MILLISECONDS = 2000


def now() -> int:
    return time.time_ns() // 1_000_000


def free() -> ConditionBase:
    """Nobody has ever taken it, or the time of whoever did is over."""
    return Attr("until").not_exists() | Attr("until").lte(now())


def take(table: Any, name: str) -> dict[str, Any]:
    """Take the bicycle for `LEASE_MILLISECONDS`, and return the row as it is then."""
    answer = table.update_item(
        Key={"id": "bike-17"},
        UpdateExpression="SET mechanic = :name, #until = :until ADD hands :one",
        ConditionExpression=Attr("id").exists() & free(),
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={
            ":name": name,
            ":until": now() + LEASE_MILLISECONDS,
            ":one": 1,
        },
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    row: dict[str, Any] = answer["Attributes"]
    return row


def write_bill(table: Any, hands: int, euros: int) -> None:
    """Write the bill, if the bicycle has been through no other hands since."""
    table.update_item(
        Key={"id": "bike-17"},
        UpdateExpression="SET bill = :euros",
        ConditionExpression=Attr("hands").eq(hands),
        ExpressionAttributeValues={":euros": euros},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def refused(error: ClientError) -> str:
    """What the row was when the condition failed. boto3 leaves it in DynamoDB's own form."""
    row = error.response.get("Item")
    return f"refused: it is {row['mechanic']['S']}'s, hands {row['hands']['N']}" if row else "gone"


def main() -> None:
    with repairs_table() as table:
        table.put_item(Item={"id": "bike-17"})
        ann = take(table, "Ann")
        print("Ann takes it: hands", ann["hands"])
        try:
            take(table, "Ben")
        except ClientError as error:
            print("Ben tries at once:", refused(error))
        time.sleep(LEASE_MILLISECONDS / 1000 + 0.1)
        ben = take(table, "Ben")
        print("Ben tries later: hands", ben["hands"])
        try:
            write_bill(table, ann["hands"], 200)
        except ClientError as error:
            print("Ann wakes up and writes a bill:", refused(error))
        write_bill(table, ben["hands"], 40)
        print("the bill:", table.get_item(Key={"id": "bike-17"})["Item"]["bill"])


if __name__ == "__main__":
    main()
