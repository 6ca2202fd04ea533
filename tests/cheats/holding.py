"""Making others hold bytes: memory of no process, the servers, the logs, and the grading process itself."""

from __future__ import annotations

from tests.cheats.making import LOOT, Cheat, instead, of_family
from tests.cheats.reading import searching
from tests.cheats.stores import with_redis

PROXY = """
import os, socket, urllib.parse
place = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
def line():
    return socket.create_connection((place.hostname, place.port), 5)
"""
KEPT_FOR_LATER = """
import boto3, os
from botocore.config import Config
ports = {int(l.split()[1].split(":")[1], 16)
         for l in open("/proc/net/tcp").read().splitlines()[1:] if l.split()[3] == "0A"}
for port in ports:
    for account in (os.environ["AWS_ACCESS_KEY_ID"], "000000000000", "111111111111", "test"):
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=account,
                          aws_secret_access_key="x", config=Config(
                              connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}))
        try:
            s3.create_bucket(Bucket="kept")
            s3.put_object(Bucket="kept", Key="solution", Body=b"x" * 1_000_000)
            found.append((port, account))
        except Exception:
            pass
"""

CHEATS = of_family(
    "harming",
    [
        Cheat(
            name="memory-of-no-process",
            loses=("3.2",),
            story="Fills files in memory, and segments of shared memory, that no process has mapped.",
            says=(LOOT,),
            files=searching("""
                import ctypes, os
                for name in ("file", "other"):
                    try:
                        os.memfd_create(name)
                        found.append("memfd")
                    except OSError:
                        pass
                libc = ctypes.CDLL(None)
                found += ["shared memory"] if libc.shmget(0, 64 * 1024**2, 0o1600) >= 0 else []
                found += ["message queue"] if libc.msgget(0, 0o1600) >= 0 else []
            """),
        ),
        Cheat(
            name="a-request-of-six-gigabytes",
            loses=("3.2",),
            story="Tells the proxy before DynamoDB that a request of 6 GB comes: the grader would hold it.",
            says=(LOOT,),
            files=searching(
                PROXY + "with line() as one:\n"
                "    one.sendall(b'POST / HTTP/1.1\\r\\nContent-Length: 6000000000\\r\\n\\r\\n')\n"
                "    said = one.recv(100)\n"
                "    found += [] if b' 413 ' in said else [said]\n"
            ),
        ),
        Cheat(
            name="a-thousand-idle-connections",
            loses=("4.3",),
            story="Opens connections to the proxy until the grading process has no descriptor left.",
            says=("came back",),
            files=instead(
                "4.3",
                PROXY + "keep = globals().setdefault('keep', [])\n"
                "try:\n"
                "    while len(keep) < 900:\n        keep.append(line())\n"
                "except OSError:\n    pass\n"
                "return None\n",
            ),
        ),
        Cheat(
            name="objects-for-the-next-one",
            loses=("3.2",),
            story="Finds the server of S3 by its port, and leaves objects in accounts of nobody.",
            says=(LOOT,),
            files=searching(KEPT_FOR_LATER),
        ),
        Cheat(
            name="postgres-a-view-without-an-end",
            loses=("3.6",),
            story="A view in place of the chunks: gigabytes of text for the grader that reads it.",
            says=("came back",),
            files=instead(
                "3.6",
                "return []",
                also="""
                import os
                try:
                    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
                        database.execute("DROP TABLE IF EXISTS chunks CASCADE")
                        database.execute("CREATE VIEW chunks AS SELECT repeat('x', 100000000) AS text, "
                            "'a' AS document_id, 'public' AS owner, 1 AS position, 1 AS page, "
                            "'[1]'::vector AS embedding FROM generate_series(1, 50)")
                except psycopg.Error:
                    pass
                """,
            ),
        ),
        Cheat(
            name="postgres-log",
            loses=("3.2",),
            story="Lets PostgreSQL log gigabytes: messages, errors, and the statements that caused them.",
            says=(LOOT,),
            files=searching("""
                import os, psycopg
                with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as mine:
                    for number in range(6):
                        for text in ("DO $$ BEGIN RAISE LOG '%', repeat('x', 10000000); END $$",
                                     "SELECT '" + "x" * 5_000_000 + "'::int"):
                            try:
                                mine.execute(text)
                            except psycopg.Error:
                                pass
                    try:
                        mine.execute("SET log_min_messages = debug1")
                        found.append("log_min_messages")
                    except psycopg.Error:
                        pass
            """),
        ),
        Cheat(
            name="messages-that-are-none",
            loses=("1.2",),
            story="Raw texts where messages belong, queues with names that are no text, and a result "
            "with half a character.",
            says=("came back",),
            files=with_redis(
                "for raw in (b'{}', b'7', b'[]', b'\\\\xff', b'{\"headers\": 7, \"body\": \"\\\\ud800\"}'):\n"
                "    client.rpush(b'queue\\\\xff\\\\xed\\\\xa0\\\\x80', raw)\n"
                "    client.hset('unacked', str(raw), raw)\n"
                "return {'title': '\\\\ud800', 'summary': 10**400}"
            ),
        ),
    ],
)
