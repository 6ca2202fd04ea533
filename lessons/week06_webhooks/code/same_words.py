"""A receiver reads JSON, writes it again, and checks the seal of what it wrote."""

import hashlib
import hmac
import json

from seals import SECRET

SENT = '{"film":17,"price":12.0,"note":"für Ada"}'


def seal(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def main() -> None:
    body = SENT.encode()
    on_the_card = seal(body)
    again = json.dumps(json.loads(body)).encode()
    print("as it came:   ", body.decode(), "->", seal(body) == on_the_card)
    print("written again:", again.decode(), "->", seal(again) == on_the_card)
    print("the same message:", json.loads(again) == json.loads(body))


if __name__ == "__main__":
    main()
