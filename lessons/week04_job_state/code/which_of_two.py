"""A transaction of two writes fails. Why, and what did it find?"""

from typing import Any

from half_a_promise import KEY, NOTE, REPAIR, only_if_new
from local import repairs_table


def order(client: Any, repair: str, work: str) -> str:
    """Write a repair and the customer's key together, and say what came of it."""
    writes = [
        {**REPAIR, "id": repair, "work": work},
        {**NOTE, "repair": repair, "work": work},
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
        known = reasons[1]["Item"]
        if known["work"]["S"] != work:
            return f"refused: this key came with {known['work']['S']!r}"
        return f"{known['repair']['S']}, as before"
    return f"{repair}, new"


def main() -> None:
    with repairs_table() as table:
        client = table.meta.client
        print("a new chain:     ", order(client, "bike-17", "a new chain"))
        print("the same again:  ", order(client, "bike-18", "a new chain"))
        print("another, same key:", order(client, "bike-19", "two new tyres"))
        items = sorted(item["id"] for item in table.scan()["Items"])
        print("in the table:", *items)
        assert KEY in items


if __name__ == "__main__":
    main()
