"""The vector index is built after a load of many documents."""

from __future__ import annotations

import psycopg

from tests.week08.running import serving


def test_the_index_is_built_after_a_bulk_load(run, tmp_path):
    """In between, searches are right. The build is repeated where it was interrupted."""
    with serving(run, tmp_path) as api, psycopg.connect(run.database_url) as database:
        database.autocommit = True

        def valid() -> list[bool]:
            statement = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
            return [row[0] for row in database.execute(statement, ["chunks_embedding"])]

        assert valid() == [True]
        for _ in range(2):
            api.apps.run("bulk_load", "pipeline.bulk_load", "begin")
            assert valid() == []
        job = api.ended(api.accepted(b"The lighthouse has a green lamp."))
        assert job["status"] == "completed"
        found = api.http.get("/search", params={"q": "green lamp"}).json()["results"]
        assert found[0]["document_id"] == job["job_id"]
        before = database.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index").fetchall()
        for _ in range(2):
            api.apps.run("bulk_load", "pipeline.bulk_load", "end")
            assert valid() == [True]
        after = database.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index").fetchall()
        [(made,)] = set(after) - set(before)
        assert made.endswith("USING hnsw (embedding vector_cosine_ops)")
