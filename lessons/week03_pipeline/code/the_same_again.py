"""A report whose every page ends with the same words: what the model is paid for."""

from collections.abc import Sequence

from local import local_services
from openai import OpenAI

FOOTER = (
    "Harbour Authority of Port Ellary. Printed on recycled paper. Questions? Ask at the office."
)
REPORT = [text for page in range(50) for text in (f"Ship {page} came in at noon.", FOOTER)]


def tokens(texts: Sequence[str]) -> int:
    """What the service counts for one request."""
    answer = OpenAI().embeddings.create(model="text-embedding-3-small", input=list(texts))
    return answer.usage.total_tokens


def main() -> None:
    different = list(dict.fromkeys(REPORT))  # each once, in the order of its first place
    with local_services():
        print(f"all {len(REPORT)} texts: {tokens(REPORT):,} tokens")
        print(f"{len(different)} different texts: {tokens(different):,} tokens")


if __name__ == "__main__":
    main()
