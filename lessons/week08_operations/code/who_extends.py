"""Two clerks and one key to the archive: the second takes the key while the first one is asleep."""

import os

from recovery_local import local_services
from redis import Redis

KEY = "archive-key"
MINUTE = 60_000
EXTEND = """
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return "not mine" end
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return "extended"
"""


def sleep_too_long(archive: Redis) -> None:
    """The time of the first clerk ends, and the second clerk takes the key for one minute."""
    archive.set(KEY, "Bea", px=MINUTE)


def look_then_extend(archive: Redis) -> str:
    """Ask who has the key, and then extend the time. Anything can happen between the two."""
    archive.set(KEY, "Ann", px=MINUTE)
    mine = archive.get(KEY) == b"Ann"
    sleep_too_long(archive)
    if mine:
        archive.pexpire(KEY, 60 * MINUTE)
        return "extended"
    return "not mine"


def extend_in_one_script(archive: Redis) -> str:
    """Let Redis compare and extend in the same moment."""
    archive.set(KEY, "Ann", px=MINUTE)
    sleep_too_long(archive)
    answer: bytes = archive.register_script(EXTEND)(keys=[KEY], args=["Ann", 60 * MINUTE])
    return answer.decode()


def main() -> None:
    with local_services(), Redis.from_url(os.environ["REDIS_URL"]) as archive:
        for way in (look_then_extend, extend_in_one_script):
            answer = way(archive)
            left = -(-int(archive.pttl(KEY)) // MINUTE)  # type: ignore[operator, arg-type]
            holder = archive.get(KEY).decode()  # type: ignore[union-attr]
            print(f"{way.__name__}: Ann reads '{answer}', {holder} has the key for {left} min")


if __name__ == "__main__":
    main()
