"""Ten overdue files, and two clerks who go through the list at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr
from recovery_local import local_services

FILES = 10
NOW, LATER = 100, 400
BY_ID: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def handle_at_once(table: Any, seen: list[dict[str, Any]], sent: list[str]) -> None:
    """Send a message for every file on the list, then write when to look again."""
    for file in seen:
        sent.append(file["id"])
        table.put_item(Item={**file, "due_at": LATER})


def claim_first(table: Any, seen: list[dict[str, Any]], sent: list[str]) -> None:
    """Write when to look again, only if nobody has done so, and send a message after that."""
    for file in seen:
        try:
            table.update_item(
                Key={"id": file["id"]},
                UpdateExpression="SET due_at = :later",
                ConditionExpression=Attr("due_at").eq(file["due_at"]),
                ExpressionAttributeValues={":later": LATER},
            )
        except table.meta.client.exceptions.ConditionalCheckFailedException:
            continue
        sent.append(file["id"])


def two_at_once(way: Any, table: Any) -> int:
    """Let two clerks read the same list, and then work through it. Returns the number of messages."""
    for number in range(FILES):
        table.put_item(Item={"id": f"file-{number}", "due_at": NOW})
    sent: list[str] = []
    both_have_read = Barrier(2)

    def sweep(_: int) -> None:
        seen = [file for file in table.scan()["Items"] if file["due_at"] <= NOW]
        both_have_read.wait()
        way(table, seen, sent)

    with ThreadPoolExecutor(2) as clerks:
        list(clerks.map(sweep, range(2)))
    return len(sent)


def main() -> None:
    with local_services():
        table = boto3.resource("dynamodb").create_table(TableName="files", **BY_ID)
        table.wait_until_exists()
        for way in (handle_at_once, claim_first):
            print(f"{way.__name__ + ':':16}{two_at_once(way, table)} messages for {FILES} files")


if __name__ == "__main__":
    main()
