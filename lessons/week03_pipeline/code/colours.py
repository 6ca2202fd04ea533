"""Colours as vectors of red, green and blue: three ways to ask which is near."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from local import local_services
from pgvector.psycopg import register_vector

COLOURS = {
    "dark red": [0.3, 0.0, 0.0],
    "bright red": [1.0, 0.0, 0.0],
    "dark blue": [0.0, 0.0, 0.3],
    "orange": [1.0, 0.5, 0.0],
}


@contextmanager
def colour_table() -> Iterator[psycopg.Connection[Any]]:
    """A database with the colours in it, on a connection that knows what a vector is."""
    with local_services(), psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(database)
        database.execute("CREATE TABLE colours (name text PRIMARY KEY, rgb vector(3) NOT NULL)")
        rows = [(name, np.array(rgb)) for name, rgb in COLOURS.items()]
        database.cursor().executemany("INSERT INTO colours VALUES (%s, %s)", rows)
        yield database


NEAR = """
    SELECT name, rgb <-> %(rgb)s AS euclidean, rgb <=> %(rgb)s AS cosine, rgb <#> %(rgb)s AS inner
    FROM colours ORDER BY name
"""


def main() -> None:
    with colour_table() as database:
        asked = {"rgb": np.array(COLOURS["dark red"])}
        print("how far from dark red?   <->   <=>   <#>")
        for name, euclidean, cosine, inner in database.execute(NEAR, asked):
            print(f"{name:<23}{euclidean:5.2f} {cosine:5.2f} {inner:5.2f}")
        try:
            database.execute("INSERT INTO colours VALUES ('grey', '[0.5, 0.5]')")
        except psycopg.Error as error:
            print(error.diag.message_primary)


if __name__ == "__main__":
    main()
