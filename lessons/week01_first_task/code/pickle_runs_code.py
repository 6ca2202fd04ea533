"""Why a worker accepts JSON and nothing else: opening a pickle can run a stranger's code."""

import json
import pickle


class Stranger:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this line was run by opening a message",)


def main() -> None:
    message = pickle.dumps(Stranger())
    pickle.loads(message)  # noqa: S301 - the danger is the point

    try:
        json.loads(message)
    except ValueError:
        print("JSON only reads data: this message is refused")


if __name__ == "__main__":
    main()
