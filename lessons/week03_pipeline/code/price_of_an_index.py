"""What an HNSW index costs when rows are written, and how a search goes without it and with it."""

import os
import time
from typing import Any

import numpy as np
import psycopg
from local import local_services
from pgvector.psycopg import register_vector

ROWS = 300
DIMENSIONS = 1_536

Database = psycopg.Connection[Any]
random = np.random.default_rng(3)
VECTORS = random.normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
INDEX = "CREATE INDEX ON items USING hnsw (vector vector_cosine_ops)"


def write(database: Database) -> float:
    """Rows per second, all in one transaction."""
    start = time.perf_counter()
    with database.transaction(), database.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s)", [(vector,) for vector in VECTORS])
    return ROWS / (time.perf_counter() - start)


def plan(database: Database) -> str:
    """How PostgreSQL would look for the nearest rows."""
    nearest = "EXPLAIN SELECT vector FROM items ORDER BY vector <=> %s LIMIT 10"
    lines = "\n".join(row[0] for row in database.execute(nearest, [VECTORS[0]]))
    return "Index Scan" if "Index Scan" in lines else "Seq Scan"


def main() -> None:
    with (
        local_services(),
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database,
    ):
        database.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(database)
        for name, index in (("without an index", ""), ("with an HNSW index", INDEX)):
            database.execute("DROP TABLE IF EXISTS items")
            database.execute(f"CREATE TABLE items (vector vector({DIMENSIONS}) NOT NULL)")
            if index:
                database.execute(index)
            print(f"{name}: ~{write(database):.0f} rows/s written; a search is by {plan(database)}")


if __name__ == "__main__":
    main()
