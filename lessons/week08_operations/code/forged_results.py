"""What a reader of results accepts, if others can write to the same broker."""

import hashlib
import hmac
import json
import secrets

KEY = secrets.token_bytes(32)


def sign(result: dict[str, object]) -> str:
    """A result as it is sent: signature, colon, text."""
    text = json.dumps(result)
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest() + ":" + text


class Reader:
    """Accepts one result for each order of its own run."""

    def __init__(self, run: str, orders: set[str]) -> None:
        self.run = run
        self.waiting = orders

    def read(self, message: str) -> str:
        """Check the signature first, and only then look at the text."""
        signature, _, text = message.partition(":")
        expected = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, expected):
            return "refused: forged"
        result = json.loads(text)
        if result["run"] != self.run:
            return "refused: of another run"
        if result["order"] not in self.waiting:
            return "refused: repeated"
        self.waiting.remove(result["order"])
        return f"{result['points']} points"


def main() -> None:
    reader = Reader("run 2", {"order 7"})
    real = sign({"run": "run 2", "order": "order 7", "points": 4})
    old = sign({"run": "run 1", "order": "order 7", "points": 10})
    print(f"a changed result:      {reader.read(real.replace('4}', '10}'))}")
    print(f"a result of last week: {reader.read(old)}")
    print(f"the worker's result:   {reader.read(real)}")
    print(f"the same result again: {reader.read(real)}")


if __name__ == "__main__":
    main()
