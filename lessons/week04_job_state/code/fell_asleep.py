"""Ann takes an order for two seconds and falls asleep. She wakes up after Ben has taken it."""

import time
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError
from local import orders_table

LEASE_MILLISECONDS = 2000


def now() -> int:
    return time.time_ns() // 1_000_000


def free() -> ConditionBase:
    """Return the condition of a free order: never taken, or its lease has expired."""
    return Attr("until").not_exists() | Attr("until").lte(now())


def take(table: Any, name: str) -> dict[str, Any]:
    """Take the order for `LEASE_MILLISECONDS`, and return the row as it is after the write."""
    answer = table.update_item(
        Key={"id": "doc-17"},
        UpdateExpression="SET translator = :name, #until = :until ADD fencing_token :one",
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


def write_invoice(table: Any, token: int, euros: int) -> None:
    """Write the invoice, if the order still has this fencing token."""
    table.update_item(
        Key={"id": "doc-17"},
        UpdateExpression="SET invoice = :euros",
        ConditionExpression=Attr("fencing_token").eq(token),
        ExpressionAttributeValues={":euros": euros},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def refused(error: ClientError) -> str:
    """Describe the stored row of a failed condition, which boto3 leaves in DynamoDB's form."""
    row = error.response.get("Item")
    if row is None:
        return "rejected: there is no such order"
    return f"rejected: {row['translator']['S']} has it, token {row['fencing_token']['N']}"


def main() -> None:
    with orders_table() as table:
        table.put_item(Item={"id": "doc-17"})
        ann = take(table, "Ann")
        print("Ann takes the order: token", ann["fencing_token"])
        try:
            take(table, "Ben")
        except ClientError as error:
            print("Ben tries at once:", refused(error))
        time.sleep(LEASE_MILLISECONDS / 1000 + 0.1)
        ben = take(table, "Ben")
        print("Ben tries again later: token", ben["fencing_token"])
        try:
            write_invoice(table, ann["fencing_token"], 200)
        except ClientError as error:
            print("Ann wakes up and writes an invoice:", refused(error))
        write_invoice(table, ben["fencing_token"], 40)
        print("the invoice:", table.get_item(Key={"id": "doc-17"})["Item"]["invoice"])


if __name__ == "__main__":
    main()
