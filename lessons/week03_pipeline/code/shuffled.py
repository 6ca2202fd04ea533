"""An answer whose items come in another order than the texts, and one with an item too few."""

import json

from local import local_services
from openai import OpenAI

from bootcamp.providers import Fault

TEXTS = ["tides", "storm", "lens"]
VECTORS = {"tides": [1.0, 0.0, 0.0], "storm": [0.0, 1.0, 0.0], "lens": [0.0, 0.0, 1.0]}


def answer_with(*places: int) -> Fault:
    """The service answers with the vectors of these texts, in this order."""
    data = [
        {"object": "embedding", "index": place, "embedding": VECTORS[TEXTS[place]]}
        for place in places
    ]
    body = {"object": "list", "data": data, "model": "m", "usage": {}}
    body["usage"] = {"prompt_tokens": 3, "total_tokens": 3}
    return Fault.status(200, headers={"content-type": "application/json"}, body=json.dumps(body))


def as_they_come(client: OpenAI) -> dict[str, list[float]]:
    """Assume that the first vector belongs to the first text, and so on."""
    answer = client.embeddings.create(model="m", input=TEXTS)
    return {text: item.embedding for text, item in zip(TEXTS, answer.data, strict=False)}


def by_index(client: OpenAI) -> dict[str, list[float]]:
    """Assign each vector to the text whose number the item has."""
    answer = client.embeddings.create(model="m", input=TEXTS)
    return {TEXTS[item.index]: item.embedding for item in answer.data}


def wrong(vectors: dict[str, list[float]]) -> list[str]:
    """The animals with another's vector, or none."""
    return [animal for animal in TEXTS if vectors.get(animal) != VECTORS[animal]]


def main() -> None:
    with local_services() as run:
        client = OpenAI()
        for places in ((2, 0, 1), (0, 2)):
            run.openai.script(answer_with(*places), answer_with(*places))
            print("the answer has the items", *places)
            print("   wrong, as they come:", wrong(as_they_come(client)))
            print("   wrong, by index:    ", wrong(by_index(client)))


if __name__ == "__main__":
    main()
