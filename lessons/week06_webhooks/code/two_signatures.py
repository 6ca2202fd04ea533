"""A webhook with two signatures, and a check with gaps to practise on."""

import hmac

from signatures import Message, fresh, whole_message

NOW = 720


def accepts_one(header: str, message: Message) -> bool:
    """Accept a message whose header has one signature."""
    if not message.id or not fresh(message, NOW):
        return False
    expected = whole_message(message).encode()
    return hmac.compare_digest(expected, header.encode())


def accepts_any(header: str, message: Message) -> bool:
    """Accept a message if one of the signatures in its header is right. Two gaps."""
    if not message.id or not fresh(message, NOW):
        return False
    expected = whole_message(message).encode()
    signatures = header.split()[:0]  # gap 1: how many of them?
    return any(hmac.compare_digest(expected, b"") for _ in signatures)  # gap 2: expected, and what?


def main() -> None:
    message = Message("msg-1", NOW, "scan 17 is ready", "")
    right = whole_message(message)
    for way in (accepts_one, accepts_any):
        for name, header in (("one", right), ("two", f"{'0' * 64} {right}")):
            print(f"{way.__name__ + ':':<13} {name} in the header: {way(header, message)}")


if __name__ == "__main__":
    main()
