"""DynamoDB writes, but its response is lost. boto3 sends the request again."""

from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from local import orders_table


def lose_one_response(client: Any) -> None:
    """Carry out the client's next request, and let the client believe that no response came."""

    def send_and_lose(request: Any, **_: object) -> None:
        client.meta.events.unregister("before-send.dynamodb.UpdateItem", send_and_lose)
        URLLib3Session().send(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb.UpdateItem", send_and_lose)


def take(table: Any, name: str, write: str) -> str:
    """Take the order if it waits, and store which write did it."""
    try:
        table.update_item(
            Key={"id": "doc-17"},
            UpdateExpression="SET #status = :taken, translator = :name, last_write = :write",
            ConditionExpression=Attr("status").eq("waiting"),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":taken": "in work", ":name": name, ":write": write},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        found = error.response["Item"]
        if found["last_write"]["S"] == write:
            return "the condition failed because of our own write: it is ours"
        return f"the condition failed: {found['translator']['S']} has it"
    return "it is ours"


def main() -> None:
    with orders_table() as table:
        table.put_item(Item={"id": "doc-17", "status": "waiting"})
        lose_one_response(table.meta.client)
        print("Ann:", take(table, "Ann", uuid4().hex))
        print("Ben:", take(table, "Ben", uuid4().hex))


if __name__ == "__main__":
    main()
