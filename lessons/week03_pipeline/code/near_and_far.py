"""Four sentences as vectors: their shape, their length, and how near each is to the first."""

import numpy as np
from local import local_services
from openai import OpenAI

SENTENCES = [
    "The harbour pilot guides the ship.",
    "A pilot must guide every ship into the harbour.",
    "The ship sounds its horn in fog.",
    "Bread rises when the yeast is warm.",
]


def main() -> None:
    with local_services():
        answer = OpenAI().embeddings.create(model="text-embedding-3-small", input=SENTENCES)
    vectors = np.array([item.embedding for item in answer.data], dtype=np.float32)
    print("shape:", vectors.shape)
    print("length of the first:", round(float(np.linalg.norm(vectors[0])), 3))
    for sentence, vector in zip(SENTENCES, vectors, strict=True):
        print(f"{vectors[0] @ vector:.2f}  {sentence}")


if __name__ == "__main__":
    main()
