"""What a key looks like, what is stored of it, and what a thief of the table could do with that."""

import hashlib
import hmac
import secrets


def new_key() -> tuple[str, bytes]:
    """A key for the client, and the hash for the table."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return f"bk_{key_id}_{secret}", hashlib.sha256(secret.encode()).digest()


def matches(presented: str, stored: bytes) -> bool:
    """Whether a client presents the key whose hash is stored."""
    secret = presented.rpartition("_")[2]
    return hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), stored)


def main() -> None:
    key, stored = new_key()
    print(f"characters of the key: {len(key)}, bytes in the table: {len(stored)}")
    print(f"the client presents its key:     {matches(key, stored)}")
    print(f"a thief presents what is stored: {matches(f'bk_{key[3:15]}_{stored.hex()}', stored)}")


if __name__ == "__main__":
    main()
