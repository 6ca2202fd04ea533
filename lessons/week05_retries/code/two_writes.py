"""A document cannot be processed. Two things must be written, and the worker may die in between."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import documents_table

DOCUMENT = {"id": "document-7", "status": "processing", "generation": 1}
LETTER = {"why": "not a PDF", "attempts": 1}


class WorkerDiesError(Exception):
    """Stands for everything that ends a process between two lines."""


def letter_first(table: Any, dies: bool) -> None:
    """Store the dead letter as an item of its own, then change the status."""
    table.put_item(Item={"id": f"letter-{letters(table) + 1}", **LETTER})
    if dies:
        raise WorkerDiesError
    set_status(table)


def status_first(table: Any, dies: bool) -> None:
    """Change the status, then store the dead letter as an item of its own."""
    set_status(table)
    if dies:
        raise WorkerDiesError
    table.put_item(Item={"id": f"letter-{letters(table) + 1}", **LETTER})


def one_write(table: Any, dies: bool) -> None:
    """Store the dead letter as an attribute of the document's row, with the status."""
    if dies:
        raise WorkerDiesError
    set_status(table, letter=LETTER)


def set_status(table: Any, **more: Any) -> None:
    """Change the status from processing to failed, once."""
    names = {"#status": "status", **{f"#{name}": name for name in more}}
    same = Attr("generation").eq(DOCUMENT["generation"])
    table.update_item(
        Key={"id": DOCUMENT["id"]},
        UpdateExpression="SET #status = :status" + "".join(f", #{one} = :{one}" for one in more),
        ConditionExpression=Attr("status").eq("processing") & same,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={
            ":status": "failed",
            **{f":{name}": value for name, value in more.items()},
        },
    )


def letters(table: Any) -> int:
    """Count the dead letters: items of their own, and attributes of a document."""
    found = Attr("why").exists() | Attr("letter").exists()
    return int(table.scan(FilterExpression=found)["Count"])


def attempt(table: Any, write: Callable[[Any, bool], None], deaths: tuple[bool, ...]) -> str:
    """Fail the document once for each of `deaths`, and say what is left."""
    for item in table.scan()["Items"]:
        table.delete_item(Key={"id": item["id"]})
    table.put_item(Item=DOCUMENT)
    for dies in deaths:
        with suppress(
            WorkerDiesError, table.meta.client.exceptions.ConditionalCheckFailedException
        ):
            write(table, dies)
    status = table.get_item(Key={"id": DOCUMENT["id"]})["Item"]["status"]
    return f"{status}, {letters(table)} letter(s)"


def main() -> None:
    with documents_table() as table:
        for write in (letter_first, status_first, one_write):
            print(write.__name__)
            print("   worker dies:           ", attempt(table, write, (True,)))
            print("   dies, then a new run:  ", attempt(table, write, (True, False)))
            print("   handler called twice:  ", attempt(table, write, (False, False)))


if __name__ == "__main__":
    main()
