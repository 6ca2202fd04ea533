"""One vector on the network, as text and as base64, and in memory, as a list and as an array."""

import base64
import json
import sys

import numpy as np

DIMENSIONS = 1_536


def main() -> None:
    vector = np.random.default_rng(3).normal(size=DIMENSIONS).astype(np.float32)
    vector /= np.linalg.norm(vector)
    numbers = vector.tolist()
    encoded = base64.b64encode(vector.tobytes())
    print("as JSON text:       ", len(json.dumps(numbers)), "bytes")
    print("as base64:          ", len(encoded), "bytes")
    print(
        "as a list in Python:", sys.getsizeof(numbers) + sum(map(sys.getsizeof, numbers)), "bytes"
    )
    print("as a float32 array: ", vector.nbytes, "bytes")
    decoded = np.frombuffer(base64.b64decode(encoded), "<f4")
    print("the same numbers back:", np.array_equal(vector, decoded))


if __name__ == "__main__":
    main()
