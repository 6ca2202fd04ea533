"""Requests that the service does not take: too many texts, too long a text, too much together."""

from local import local_services
from openai import BadRequestError, OpenAI

MODEL = "text-embedding-3-small"
REQUESTS = {
    "2,048 short texts": ["harbour"] * 2_048,
    "2,049 short texts": ["harbour"] * 2_049,
    "one long text": [" fog" * 8_193],
    "fifty long texts": [" fog" * 8_000] * 50,
    "an empty text": ["harbour", ""],
}


def main() -> None:
    with local_services():
        client = OpenAI()
        for name, texts in REQUESTS.items():
            try:
                answer = client.embeddings.create(model=MODEL, input=texts)
                print(f"{name}: {len(answer.data):,} vectors")
            except BadRequestError as error:
                print(f"{name}: {error.status_code}, {error.body['message']}")


if __name__ == "__main__":
    main()
