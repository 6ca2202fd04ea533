"""A transaction of two writes fails. Which condition failed, and which item was stored?"""

from typing import Any

from half_written import KEY, ORDER, RECORD, only_if_new
from local import orders_table


def submit(client: Any, order_id: str, work: str) -> str:
    """Write an order and the record of the customer's key together. Return the outcome."""
    writes = [
        {**ORDER, "id": order_id, "work": work},
        {**RECORD, "order": order_id, "work": work},
    ]
    try:
        client.transact_write_items(
            TransactItems=[
                {"Put": {**only_if_new(item), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
                for item in writes
            ]
        )
    except client.exceptions.TransactionCanceledException as error:
        reasons = error.response["CancellationReasons"]
        print("   reasons:", *[reason["Code"] for reason in reasons])
        stored = reasons[1]["Item"]
        if stored["work"]["S"] != work:
            return f"rejected: this key was used for {stored['work']['S']!r}"
        return f"{stored['order']['S']}, as before"
    return f"{order_id}, new"


def main() -> None:
    with orders_table() as table:
        client = table.meta.client
        print("a new key:           ", submit(client, "doc-17", "a letter into French"))
        print("the same again:      ", submit(client, "doc-18", "a letter into French"))
        print("same key, other work:", submit(client, "doc-19", "a letter into Dutch"))
        items = sorted(item["id"] for item in table.scan()["Items"])
        print("in the table:", *items)
        assert KEY in items


if __name__ == "__main__":
    main()
