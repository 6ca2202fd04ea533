"""Ada's server: check the signature of the bytes that arrived, act once, respond at once."""

import hmac

from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from signatures import Message, fresh, whole_message

NOW = 720
"""The minute that Ada's clock shows."""
app = FastAPI()
seen: set[str] = set()
"""Ids of messages that were handled. In a real program: a table and a conditional write (week 4)."""
to_do: list[str] = []


@app.post("/scans")
async def receive(request: Request) -> Response:
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        return Response(status_code=401)
    message = Message(
        request.headers.get("scan-id", ""),
        minute_of(request.headers.get("scan-minute", "")),
        text,
        request.headers.get("scan-signature", ""),
    )
    expected = whole_message(message).encode()
    if not fresh(message, NOW) or not hmac.compare_digest(expected, message.signature.encode()):
        return Response(status_code=401)
    if message.id not in seen:
        seen.add(message.id)
        to_do.append(message.text)  # do the work later: the service waits for our response
    return Response(status_code=204)


def minute_of(text: str) -> int:
    """Convert the header. A text that is not a number becomes a minute that is never fresh."""
    good = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if good else -1_000_000


def headers_of(message: Message) -> dict[str, str]:
    return {
        "scan-id": message.id,
        "scan-minute": str(message.minute),
        "scan-signature": whole_message(message),
    }


def main() -> None:
    genuine = Message("msg-1", NOW, "scan 17 is ready", "")
    old = Message("msg-2", NOW - 60, "scan 18 is ready", "")
    headers, body = headers_of(genuine), genuine.text.encode()
    requests = {
        "genuine": (headers, body),
        "the same again": (headers, body),
        "another text": (headers, b"scan 99 is ready"),
        "an hour old": (headers_of(old), old.text.encode()),
        "no headers": ({}, body),
        "not a number": ({**headers, "scan-minute": "soon"}, body),
        "not UTF-8": (headers, b"scan 17 \xff"),
    }
    with TestClient(app) as service:
        for name, (sent, content) in requests.items():
            response = service.post("/scans", content=content, headers=sent)
            print(f"{name + ':':<15} {response.status_code}, to do: {len(to_do)}")


if __name__ == "__main__":
    main()
