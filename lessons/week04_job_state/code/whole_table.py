"""Finds the orders of one customer among six hundred: by a scan, and by an index."""

from boto3.dynamodb.conditions import Attr, Key
from local import orders_table
from office import ORDERS, order

ORDERS_IN_TABLE = 600
CUSTOMERS = 100


def main() -> None:
    with orders_table(ORDERS) as table:
        with table.batch_writer() as batch:
            for number in range(ORDERS_IN_TABLE):
                batch.put_item(order(number, f"customer-{number % CUSTOMERS}", "collected"))
        asked = "customer-42"
        answers = {
            "scan and filter": table.scan(FilterExpression=Attr("customer").eq(asked)),
            "query an index": table.query(
                IndexName="by_customer",
                KeyConditionExpression=Key("customer").eq(asked),
                ScanIndexForward=False,
            ),
        }
        for way, answer in answers.items():
            print(f"{way}: read {answer['ScannedCount']} items, found {answer['Count']}")
        print("newest first:", *[item["id"] for item in answers["query an index"]["Items"]])


if __name__ == "__main__":
    main()
