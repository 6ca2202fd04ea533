"""How many of the true neighbours an HNSW index finds, and how long it looks for them."""

import os
import time
from typing import Any

import numpy as np
import psycopg
from local import local_services
from pgvector.psycopg import register_vector

ROWS = 3_000
DIMENSIONS = 64
QUESTIONS = 30
NEIGHBOURS = 10
CANDIDATES = (10, 40, 200, 1_000)

Database = psycopg.Connection[Any]
random = np.random.default_rng(3)
VECTORS = random.normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
ASKED = random.normal(size=(QUESTIONS, DIMENSIONS)).astype(np.float32)


def prepare(database: Database) -> None:
    database.execute("CREATE EXTENSION IF NOT EXISTS vector")
    register_vector(database)
    database.execute(f"CREATE TABLE items (id integer, vector vector({DIMENSIONS}))")
    rows = [(number, vector) for number, vector in enumerate(VECTORS)]
    with database.transaction(), database.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s, %s)", rows)
    database.execute("CREATE INDEX ON items USING hnsw (vector vector_cosine_ops)")


def neighbours(database: Database) -> list[set[int]]:
    """Return, for each question, the ids of the rows that the database finds."""
    order = "SELECT id FROM items ORDER BY vector <=> %s LIMIT %s"
    return [
        {row[0] for row in database.execute(order, [question, NEIGHBOURS])} for question in ASKED
    ]


def main() -> None:
    with (
        local_services(),
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database,
    ):
        prepare(database)
        database.execute("SET enable_indexscan = off")
        true = neighbours(database)
        database.execute("SET enable_indexscan = on")
        database.execute("SET enable_seqscan = off")  # a small table would be read from end to end
        for candidates in CANDIDATES:
            database.execute(f"SET hnsw.ef_search = {candidates}")
            start = time.perf_counter()
            found = neighbours(database)
            microseconds = 1e6 * (time.perf_counter() - start) / QUESTIONS
            hits = sum(len(one & other) for one, other in zip(true, found, strict=True))
            percent = 100 * hits / (QUESTIONS * NEIGHBOURS)
            print(f"ef_search {candidates}: found ~{percent:.0f} %, in ~{microseconds:.0f} µs")


if __name__ == "__main__":
    main()
