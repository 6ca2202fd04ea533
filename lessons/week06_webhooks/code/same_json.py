"""A receiver parses JSON, writes it again, and checks the signature of what it wrote."""

import hashlib
import hmac
import json

from signatures import SECRET

SENT = '{"scan":17,"price":12.0,"note":"für Ada"}'


def signature(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def main() -> None:
    body = SENT.encode()
    sent = signature(body)
    again = json.dumps(json.loads(body)).encode()
    print("as it arrived:", body.decode(), "->", signature(body) == sent)
    print("written again:", again.decode(), "->", signature(again) == sent)
    print("the same JSON:", json.loads(again) == json.loads(body))


if __name__ == "__main__":
    main()
