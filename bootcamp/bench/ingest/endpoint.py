"""The embeddings endpoint of the bench: it answers after a fixed time, and needs little processor time.

`python -m bootcamp.bench.ingest.endpoint PORT SECONDS`. A text's vector depends on the text alone. It is
mixed from one of 64 directions and noise, so that some texts lie near each other, as real ones do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import zlib
from functools import cache
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bootcamp.ports import KEEP_ALIVE_SECONDS, LOOPBACK

DIMENSIONS = 1_536
DIRECTIONS = 64
NOISE = 0.7


@cache
def directions() -> NDArray[np.float32]:
    """The directions that texts have in common, one a row."""
    drawn = np.random.default_rng(1).standard_normal((DIRECTIONS, DIMENSIONS), dtype=np.float32)
    return drawn


def vector(text: str) -> NDArray[np.float32]:
    """Return the vector of a text, of length 1."""
    seed = zlib.crc32(text.encode("utf-8", "replace"))
    noise = np.random.default_rng(seed).standard_normal(DIMENSIONS, dtype=np.float32)
    mixed: NDArray[np.float32] = directions()[seed % DIRECTIONS] + NOISE * noise
    return mixed / np.linalg.norm(mixed)


def answer(body: dict[str, Any]) -> bytes:
    """Return the answer to one request, as OpenAI writes it."""
    given = body["input"]
    texts = given if isinstance(given, list) else [given]
    packed = body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(texts):
        numbers = vector(str(text))
        shown: Any = base64.b64encode(numbers.tobytes()).decode() if packed else numbers.tolist()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return json.dumps(
        {"object": "list", "data": data, "model": body["model"], "usage": usage}
    ).encode()


def create_app(seconds: float) -> Starlette:
    """The endpoint. An answer takes `seconds` longer than its calculation."""

    async def embeddings(request: Request) -> Response:
        body = json.loads(await request.body())
        await asyncio.sleep(seconds)
        return Response(answer(body), media_type="application/json")

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
        ]
    )


def main() -> None:
    """Serve until the process is ended."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    uvicorn.run(
        create_app(seconds),
        host=LOOPBACK,
        port=port,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


if __name__ == "__main__":
    main()
