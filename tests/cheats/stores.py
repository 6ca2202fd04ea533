"""Harming the services: one's own, so that the grader breaks on them, and those of other runs."""

from __future__ import annotations

from tests.cheats.making import LOOT, Cheat, instead, of_family
from tests.cheats.reading import searching

REDIS = """
import redis
from pipeline.settings import worker_settings
client = redis.Redis.from_url(worker_settings().redis_url)
"""


def with_redis(code: str) -> dict[str, str]:
    """A task of 1.2 that does this to its Redis, and then what it was asked for."""
    return instead("1.2", f"{REDIS}{code}\nreturn {{'title': title, 'summary': summarize(title)}}")


CHEATS = of_family(
    "harming",
    [
        Cheat(
            name="redis-shutdown",
            loses=("1.2",),
            story="Shuts Redis down, in which the grader looks for the result.",
            says=("NoPermission",),
            keeps=("1.1",),
            files=with_redis("client.shutdown(nosave=True, now=True)\nclient.ping()"),
        ),
        Cheat(
            name="redis-flushall-and-config",
            loses=("1.2",),
            story="Empties Redis, lets it forget all that is written from now on, writes its "
            "files into other folders.",
            says=("NoPermission",),
            keeps=("1.1",),
            files=with_redis(
                "client.flushall()\nfor name, value in (('dir', '/tmp'), ('dbfilename', 'BAIT_MARK'),"
                " ('maxmemory', '1'), ('requirepass', 'mine')):\n    client.config_set(name, value)\n"
                "client.save()"
            ),
        ),
        Cheat(
            name="redis-other-password",
            loses=("1.2",),
            story="Gives its Redis user another password, so that the grader is locked out.",
            says=("NoPermission",),
            keeps=("1.1",),
            files=with_redis(
                "client.execute_command('ACL', 'SETUSER', 'default', 'resetpass', '>mine')\n"
                "client.client_kill_filter(_type='normal', skipme=True)"
            ),
        ),
        Cheat(
            name="redis-pause",
            loses=("1.2",),
            story="Lets Redis hold back every answer for ten minutes.",
            says=("NoPermission",),
            keeps=("1.1",),
            files=with_redis("client.client_pause(600_000)"),
        ),
        Cheat(
            name="redis-busy-with-a-script",
            loses=("1.1", "1.2"),
            story="Runs an endless script inside Redis: it answers nobody, or only that it is busy.",
            says=("Redis",),
            files=with_redis("client.eval('while true do end', 0)"),
        ),
        Cheat(
            name="redis-other-types",
            loses=("1.1", "1.2"),
            story="Stores lists and texts under the keys where Celery keeps values and hashes.",
            says=("Redis",),
            files=with_redis(
                "results = redis.Redis.from_url(worker_settings().redis_database(1))\n"
                "import time\n"
                "key = f'celery-task-meta-{self.request.id}'\n"
                "for _ in range(60):\n"
                "    results.delete(key)\n    results.rpush(key, 'x')\n"
                "    client.set('unacked', 'x')\n    time.sleep(0.05)"
            ),
        ),
        Cheat(
            name="redis-records-that-are-none",
            loses=("1.1", "1.2"),
            story="Stores a result that is nested a hundred thousand deep, and one that is no text.",
            says=("came back",),
            files=with_redis(
                "results = redis.Redis.from_url(worker_settings().redis_database(1))\n"
                "import time\n"
                "for _ in range(60):\n"
                "    results.set(f'celery-task-meta-{self.request.id}', '[' * 100_000)\n"
                "    client.delete('other')\n    client.rpush('other', '[' * 100_000)\n"
                "    time.sleep(0.05)"
            ),
        ),
        Cheat(
            name="redis-memory",
            loses=("1.2",),
            story="Fills Redis until the machine has no memory left.",
            says=("OutOfMemory",),
            keeps=("1.1",),
            files=with_redis(
                "line = client.pipeline(transaction=False)\n"
                "for number in range(40):\n    client.set(f'fill{number}', b'x' * 64 * 1024**2)"
            ),
        ),
        Cheat(
            name="redis-a-huge-result",
            loses=("1.2",),
            story="A result of 200 MB, and a queue of a million messages that are none.",
            says=("came back",),
            files=with_redis(
                "client.eval(\"for i = 1, 200 do redis.call('RPUSH', 'other', string.rep('x', 1000000)) "
                'end", 0)\n'
                "import time\n"
                "results = redis.Redis.from_url(worker_settings().redis_database(1))\n"
                "results.set(f'celery-task-meta-{self.request.id}', b'x' * 150 * 1024**2)\n"
                "time.sleep(3)"
            ),
        ),
        Cheat(
            name="postgres-other-databases",
            loses=("3.2",),
            story="Goes for the databases, roles and files of the server that other runs use too.",
            says=(LOOT,),
            files=searching("""
                import os, psycopg
                url = os.environ["DATABASE_URL"]
                base = url.rpartition("/")[0]
                with psycopg.connect(url, autocommit=True) as mine:
                    names = [n for (n,) in mine.execute("SELECT datname FROM pg_database")]
                    roles = [n for (n,) in mine.execute("SELECT rolname FROM pg_roles")]
                    me = mine.info.user
                    tries = [f'DROP DATABASE "{n}"' for n in names if n != me]
                    tries += [f"ALTER ROLE \\"{n}\\" PASSWORD 'mine'" for n in roles if n != me]
                    tries += [f'GRANT "{n}" TO "{me}"' for n in roles if n != me]
                    tries += ["CREATE ROLE evil SUPERUSER", "ALTER SYSTEM SET max_connections = 1",
                              "SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/BAIT_MARK'",
                              "CREATE TABLE t(x text)", "COPY t FROM PROGRAM 'id'",
                              "SELECT lo_import('/etc/passwd')", "CREATE EXTENSION dblink",
                              "SELECT pg_reload_conf()", "SELECT pg_terminate_backend(pid) FROM "
                              "pg_stat_activity WHERE usename <> current_user AND pid IS NOT NULL"]
                    for text in tries:
                        try:
                            done = mine.execute(text)
                            if text.startswith(("CREATE TABLE", "SELECT pg_terminate")):
                                continue
                            found.append(text)
                        except psycopg.Error:
                            pass
                for name in names:
                    if name != me:
                        try:
                            psycopg.connect(f"{base}/{name}").close()
                            found.append(f"connected to {name}")
                        except psycopg.Error:
                            pass
            """),
        ),
        Cheat(
            name="postgres-locked-out",
            loses=("3.6",),
            story="Gives its own role another password and no time for any statement: the grader, who "
            "comes as the same role, is locked out.",
            says=("PostgreSQL",),
            files=instead(
                "3.6",
                "return []",
                also="""
                import os
                try:
                    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
                        database.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 1")
                        database.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
                except psycopg.Error:
                    pass
                """,
            ),
        ),
        Cheat(
            name="postgres-rows-that-are-no-text",
            loses=("3.5",),
            story="Tables of the right names with other columns: pages that are texts, texts that are "
            "bytes, and a view that fails when it is read.",
            says=("came back",),
            files=instead(
                "3.5",
                None,
                "return key",
                """
                import psycopg
                from pipeline.steps.database import database_url
                for step in PERCENT:
                    report(self, ref["document_id"], step)
                with psycopg.connect(database_url(), autocommit=True) as database:
                    database.execute("DROP TABLE IF EXISTS chunks, documents CASCADE")
                    database.execute("CREATE VIEW chunks AS SELECT '%s' AS document_id, "
                        "'zero' AS position, 'one' AS page, '\\\\xff'::bytea AS text, "
                        "'[1]' AS embedding" % ref["document_id"])
                    database.execute("CREATE VIEW documents AS SELECT 1 / 0 AS filename, "
                        "'x' AS document_id")
                return {"document_id": ref["document_id"], "pages": 12, "chunks": 1}
                """,
            ),
        ),
        Cheat(
            name="postgres-disk",
            loses=("3.2",),
            story="Lets PostgreSQL fill the disk, where no limit on the student's files counts.",
            says=("disk",),
            files=searching("""
                import os, psycopg
                with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as mine:
                    mine.execute("CREATE UNLOGGED TABLE fill (text text)")
                    mine.execute("ALTER TABLE fill ALTER text SET STORAGE EXTERNAL")
                    mine.execute("INSERT INTO fill SELECT repeat('x', 10000000) "
                                 "FROM generate_series(1, 1000)")
            """),
        ),
        Cheat(
            name="dynamodb-other-accounts",
            loses=("3.2",),
            story="Asks the DynamoDB server for its control routes, under every spelling, and for the "
            "tables of accounts near its own.",
            says=(LOOT,),
            files=searching("""
                import http.client, os, urllib.parse
                import boto3
                place = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
                paths = ["/_ministack/reset", "//_ministack/reset", "/./_ministack/reset",
                         "/x/../_ministack/reset", "/%5fministack/reset", "/_MINISTACK/reset",
                         "/_localstack/health", "/_aws/x", "http://x/_ministack/reset"]
                for path in paths:
                    for method in ("POST", "GET"):
                        line = http.client.HTTPConnection(place.hostname, place.port, timeout=3)
                        line.request(method, path, b"{}", {"content-type": "application/json"})
                        answer = line.getresponse()
                        body = answer.read(200)
                        if answer.status == 200 and (b"reset" in body or b"services" in body):
                            found.append((method, path, body))
                own = os.environ["AWS_ACCESS_KEY_ID"]
                for account in ("test", "000000000000", "", own[:-1] + "0", "root", "*"):
                    client = boto3.client("dynamodb", aws_access_key_id=account or "x",
                                          aws_secret_access_key="x")
                    try:
                        found += client.list_tables()["TableNames"]
                    except client.exceptions.ClientError:
                        pass
            """),
        ),
        Cheat(
            name="dynamodb-items-of-odd-types",
            loses=("4.3",),
            story="Puts texts where numbers belong, and numbers where texts do, into the job's row.",
            says=("expected",),
            files=instead(
                "4.3",
                """
                import boto3
                table = boto3.resource("dynamodb").Table("jobs")
                item = table.get_item(Key={"id": job_id})["Item"]
                item |= {"status": 7, "generation": "many", "lease_until": {"a": {"soon"}},
                         "deliveries": None, "document": b"x", "steps": "none"}
                table.put_item(Item=item)
                return Job.from_item({**item, "status": "processing", "generation": 1,
                    "deliveries": 1, "lease_until": 9e9, "document": {}, "steps": {}})
                """,
            ),
        ),
        Cheat(
            name="dynamodb-no-table",
            loses=("4.3",),
            story="Deletes the table that the grader looks into.",
            says=("DynamoDB",),
            files=instead(
                "4.3",
                """
                import boto3
                client = boto3.client("dynamodb")
                item = boto3.resource("dynamodb").Table("jobs").get_item(Key={"id": job_id})["Item"]
                for name in client.list_tables()["TableNames"]:
                    client.delete_table(TableName=name)
                return Job.from_item({**item, "status": "processing", "lease_owner": worker})
                """,
            ),
        ),
        Cheat(
            name="dynamodb-a-table-that-stays",
            loses=("3.2",),
            story="Leaves a table that is protected from deletion, and asks for a bucket: the clearing up "
            "after the run breaks on it.",
            says=(LOOT,),
            files=searching("""
                import boto3
                boto3.client("dynamodb").create_table(
                    TableName="stays", DeletionProtectionEnabled=True, BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
                try:
                    boto3.client("s3").create_bucket(Bucket="stays", ObjectLockEnabledForBucket=True)
                except Exception as error:
                    assert "501" in str(error)
            """),
        ),
    ],
)
