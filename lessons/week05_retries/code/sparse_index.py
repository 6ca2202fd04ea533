"""A sparse index that contains only failed documents, newest first."""

from typing import Any

from boto3.dynamodb.conditions import Key
from local import documents_table

DOCUMENTS: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "owner", "AttributeType": "S"},
        {"AttributeName": "failed_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_failure",
            "KeySchema": [
                {"AttributeName": "owner", "KeyType": "HASH"},
                {"AttributeName": "failed_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
IN_TABLE = 200
FAILED = {17: 900, 41: 300, 120: 700}
"""The number of a document, and when it failed."""


def failed_documents(table: Any, owner: str) -> list[str]:
    """Return an owner's failed documents, newest first. The query reads no other documents."""
    answer = table.query(
        IndexName="by_failure",
        KeyConditionExpression=Key("owner").eq(owner),
        ScanIndexForward=False,
    )
    assert answer["ScannedCount"] == answer["Count"]
    return [item["id"] for item in answer["Items"]]


def main() -> None:
    with documents_table(DOCUMENTS) as table:
        with table.batch_writer() as batch:
            for number in range(IN_TABLE):
                row: dict[str, Any] = {"id": f"document-{number}", "owner": "ada"}
                row |= {"status": "completed"}
                if number in FAILED:
                    row |= {"status": "failed", "failed_at": FAILED[number]}
                batch.put_item(row)
        print("in the table:  ", table.scan()["Count"])
        print("in the index:  ", *failed_documents(table, "ada"))
        table.update_item(
            Key={"id": "document-120"},
            UpdateExpression="SET #status = :status REMOVE failed_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": "pending"},
        )
        print("120 is pending:", *failed_documents(table, "ada"))


if __name__ == "__main__":
    main()
