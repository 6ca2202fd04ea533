"""One vector on the network, as text and as base64, and in memory, as a list and as an array."""

import base64
import json
import sys

import numpy as np
from local import SAMPLES, local_services
from openai import OpenAI

TEXT = (SAMPLES / "tide_notes.md").read_text(encoding="utf-8")


def main() -> None:
    with local_services():
        answer = OpenAI().embeddings.create(model="text-embedding-3-small", input=TEXT)
    numbers = answer.data[0].embedding
    array = np.array(numbers, dtype=np.float32)
    print("numbers:", len(numbers))
    print(f"as JSON text: ~{len(json.dumps(numbers)):,}".replace(",", "") + " bytes")
    print("as base64:", len(base64.b64encode(array.tobytes())), "bytes")
    print(
        "as a list in Python:", sys.getsizeof(numbers) + sum(map(sys.getsizeof, numbers)), "bytes"
    )
    print("as a float32 array:", array.nbytes, "bytes")
    print("the same numbers back:", np.array_equal(array, np.frombuffer(array.tobytes(), "<f4")))


if __name__ == "__main__":
    main()
