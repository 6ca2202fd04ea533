"""Ada's side: check the seal of the bytes that came, act once, answer at once."""

import hmac

from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from seals import Postcard, fresh, whole_card

NOW = 720
"""The minute that Ada's clock shows."""
app = FastAPI()
seen: set[str] = set()
"""Numbers of cards that were acted on. In a real program: a table, with a condition (week 4)."""
to_do: list[str] = []


@app.post("/postcards")
async def receive(request: Request) -> Response:
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        return Response(status_code=401)
    card = Postcard(
        request.headers.get("card-number", ""),
        minute_of(request.headers.get("card-minute", "")),
        text,
        request.headers.get("card-seal", ""),
    )
    right = whole_card(card).encode()
    if not fresh(card, NOW) or not hmac.compare_digest(right, card.seal.encode()):
        return Response(status_code=401)
    if card.number not in seen:
        seen.add(card.number)
        to_do.append(card.text)  # the work itself comes later: the lab waits for our answer
    return Response(status_code=204)


def minute_of(text: str) -> int:
    """What is no number is a minute that is never fresh."""
    good = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if good else -1_000_000


def headers_of(card: Postcard) -> dict[str, str]:
    return {"card-number": card.number, "card-minute": str(card.minute)}


def main() -> None:
    card = Postcard("card-1", NOW, "film 17 is ready", "")
    headers = {**headers_of(card), "card-seal": whole_card(card)}
    late = Postcard("card-2", NOW - 60, "film 18 is ready", "")
    arrivals = {
        "genuine": (headers, card.text.encode()),
        "the same again": (headers, card.text.encode()),
        "other words": (headers, b"film 99 is ready"),
        "an hour old": ({**headers_of(late), "card-seal": whole_card(late)}, late.text.encode()),
        "no headers": ({}, card.text.encode()),
        "not a number": ({**headers, "card-minute": "soon"}, card.text.encode()),
        "not text": (headers, b"film 17 \xff"),
    }
    with TestClient(app) as lab:
        for name, (sent, body) in arrivals.items():
            answer = lab.post("/postcards", content=body, headers=sent)
            print(f"{name + ':':<15} {answer.status_code}, to do: {len(to_do)}")


if __name__ == "__main__":
    main()
