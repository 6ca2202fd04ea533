"""A parcel cannot be delivered. Two things must be written, and the depot has a power cut."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import parcels_table

PARCEL = {"id": "parcel-7", "status": "on its way", "round": 1}
LETTER = {"why": "no such street", "tries": 1}


class PowerCutError(Exception):
    """Stands for everything that ends a process between two lines."""


def letter_first(table: Any, dies: bool) -> None:
    """A list of letters here, the parcel there."""
    table.put_item(Item={"id": f"letter-{letters(table) + 1}", **LETTER})
    if dies:
        raise PowerCutError
    set_status(table)


def status_first(table: Any, dies: bool) -> None:
    set_status(table)
    if dies:
        raise PowerCutError
    table.put_item(Item={"id": f"letter-{letters(table) + 1}", **LETTER})


def on_the_parcel(table: Any, dies: bool) -> None:
    """The letter is a part of the parcel's row: one write, and only for whoever is on this round."""
    if dies:
        raise PowerCutError
    set_status(table, letter=LETTER)


def set_status(table: Any, **more: Any) -> None:
    """From on its way to given up, once."""
    names = {"#status": "status", **{f"#{name}": name for name in more}}
    table.update_item(
        Key={"id": PARCEL["id"]},
        UpdateExpression="SET #status = :status" + "".join(f", #{one} = :{one}" for one in more),
        ConditionExpression=Attr("status").eq("on its way") & Attr("round").eq(PARCEL["round"]),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={
            ":status": "given up",
            **{f":{name}": value for name, value in more.items()},
        },
    )


def letters(table: Any) -> int:
    """How many letters there are: in the list, or on a parcel."""
    found = Attr("why").exists() | Attr("letter").exists()
    return int(table.scan(FilterExpression=found)["Count"])


def attempt(table: Any, write: Callable[[Any, bool], None], deaths: tuple[bool, ...]) -> str:
    """Give the parcel up, once for each of `deaths`, and look at what is left."""
    for item in table.scan()["Items"]:
        table.delete_item(Key={"id": item["id"]})
    table.put_item(Item=PARCEL)
    for dies in deaths:
        with suppress(PowerCutError, table.meta.client.exceptions.ConditionalCheckFailedException):
            write(table, dies)
    status = table.get_item(Key={"id": PARCEL["id"]})["Item"]["status"]
    return f"{status}, {letters(table)} letter(s)"


def main() -> None:
    with parcels_table() as table:
        for write in (letter_first, status_first, on_the_parcel):
            print(write.__name__)
            print("   a power cut:           ", attempt(table, write, (True,)))
            print("   a power cut, and again:", attempt(table, write, (True, False)))
            print("   told twice:            ", attempt(table, write, (False, False)))


if __name__ == "__main__":
    main()
