"""Which customers must the office call today? A sparse index holds only those orders."""

from typing import Any

from boto3.dynamodb.conditions import Key
from local import orders_table
from office import ORDERS, SHARDS, order, shard

TODAY = 100


def to_call(table: Any) -> list[str]:
    """Ask every shard for the orders that are due by today."""
    found: list[str] = []
    for number in range(SHARDS):
        answer = table.query(
            IndexName="to_call",
            KeyConditionExpression=Key("call_shard").eq(number) & Key("call_at").lte(TODAY),
        )
        found += [item["id"] for item in answer["Items"]]
    return sorted(found)


def main() -> None:
    due = {7: 90, 20: 95, 33: 200}
    with orders_table(ORDERS) as table:
        for number in range(40):
            item = order(number, "Ada", "ready" if number in due else "collected")
            if number in due:
                item |= {"call_shard": shard(item["id"]), "call_at": due[number]}
            table.put_item(Item=item)
        print("orders in the table:", table.scan()["Count"])
        print("orders in the index:", table.scan(IndexName="to_call")["Count"])
        print("to call today:       ", *to_call(table))
        table.update_item(
            Key={"id": "doc-7"},
            UpdateExpression="SET #status = :status REMOVE call_shard, call_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": "collected"},
        )
        print("doc-7 is collected: ", *to_call(table))


if __name__ == "__main__":
    main()
