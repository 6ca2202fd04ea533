"""DynamoDB does what it is asked, and its answer gets lost on the way. boto3 asks again."""

from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from local import repairs_table


def lose_one_answer(client: Any) -> None:
    """Carry the client's next request out, and let it believe that nobody answered."""

    def send_and_lose(request: Any, **_: object) -> None:
        client.meta.events.unregister("before-send.dynamodb.UpdateItem", send_and_lose)
        URLLib3Session().send(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb.UpdateItem", send_and_lose)


def take(table: Any, name: str, write: str) -> str:
    """Take the bicycle if it waits, and note which write did it."""
    try:
        table.update_item(
            Key={"id": "bike-17"},
            UpdateExpression="SET #status = :taken, mechanic = :name, last_write = :write",
            ConditionExpression=Attr("status").eq("waiting"),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":taken": "in hand", ":name": name, ":write": write},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        found = error.response["Item"]
        if found["last_write"]["S"] == write:
            return "the condition failed, on our own write: it is ours"
        return f"the condition failed: {found['mechanic']['S']} has it"
    return "it is ours"


def main() -> None:
    with repairs_table() as table:
        table.put_item(Item={"id": "bike-17", "status": "waiting"})
        lose_one_answer(table.meta.client)
        print("Ann:", take(table, "Ann", uuid4().hex))
        print("Ben:", take(table, "Ben", uuid4().hex))


if __name__ == "__main__":
    main()
