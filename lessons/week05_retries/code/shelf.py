"""The shelf of parcels that were given up: an index in which only those stand, newest first."""

from typing import Any

from boto3.dynamodb.conditions import Key
from local import parcels_table

PARCELS: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "sender", "AttributeType": "S"},
        {"AttributeName": "given_up_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "shelf",
            "KeySchema": [
                {"AttributeName": "sender", "KeyType": "HASH"},
                {"AttributeName": "given_up_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
IN_TABLE = 200
GIVEN_UP = {17: 900, 41: 300, 120: 700}
"""Number of a parcel, and when it was given up."""


def on_the_shelf(table: Any, sender: str) -> list[str]:
    """The sender's parcels that were given up, newest first. Reads these, and no others."""
    answer = table.query(
        IndexName="shelf",
        KeyConditionExpression=Key("sender").eq(sender),
        ScanIndexForward=False,
    )
    assert answer["ScannedCount"] == answer["Count"]
    return [item["id"] for item in answer["Items"]]


def main() -> None:
    with parcels_table(PARCELS) as table:
        with table.batch_writer() as batch:
            for number in range(IN_TABLE):
                row: dict[str, Any] = {
                    "id": f"parcel-{number}",
                    "sender": "Ada",
                    "status": "delivered",
                }
                if number in GIVEN_UP:
                    row |= {"status": "given up", "given_up_at": GIVEN_UP[number]}
                batch.put_item(row)
        print("parcels in the table:", table.scan()["Count"])
        print("on the shelf:        ", *on_the_shelf(table, "Ada"))
        table.update_item(
            Key={"id": "parcel-120"},
            UpdateExpression="SET #status = :status REMOVE given_up_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": "in the depot"},
        )
        print("120 is sent again:   ", *on_the_shelf(table, "Ada"))


if __name__ == "__main__":
    main()
