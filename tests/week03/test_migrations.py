"""`python -m pipeline.migrate`: numbered steps, each applied once, in whatever state the stores are."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest

from bootcamp.course.layers import Layer, Source
from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment
from bootcamp.stack.process import Process
from tests.week03.conftest import LAYERS, rows

OLD_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE documents (
    document_id text PRIMARY KEY,
    filename    text NOT NULL,
    indexed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE chunks (
    document_id text NOT NULL REFERENCES documents ON DELETE CASCADE,
    position    integer NOT NULL CHECK (position >= 0),
    page        integer NOT NULL CHECK (page >= 1),
    text        text NOT NULL,
    embedding   vector(1536) NOT NULL,
    PRIMARY KEY (document_id, position)
);
CREATE INDEX chunks_embedding ON chunks USING hnsw (embedding vector_cosine_ops);
"""
"""What week 3 created at first use, before there were migrations and owners."""
SHAPE = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_name IN ('documents', 'chunks') ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN ('documents'::regclass, 'chunks'::regclass) ORDER BY 1, 2
"""


def migrate(
    run: Run, *extra: Layer, layers: tuple[Layer, ...] = LAYERS, **more: str
) -> subprocess.CompletedProcess[str]:
    env = layer_environment(run.environment() | more, (*extra, *layers))
    command = [sys.executable, "-m", "pipeline.migrate"]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out.txt"), Path(folder, "err.txt")
        with (
            out.open("wb") as stdout,
            Process(command, env=env, log=err, name="migrate", stdout=stdout) as process,
        ):
            code = process.wait(120)
        return subprocess.CompletedProcess(command, code, out.read_text(), err.read_text())


def step(folder: Path, name: str, body: str) -> Layer:
    """A layer that brings one more migration."""
    package = folder / "pipeline" / "migrations"
    package.mkdir(parents=True, exist_ok=True)
    (package / f"{name}.py").write_text(dedent(body))
    return Layer(LAYERS[0].week, Source.STUDENT, folder)


def recorded(run: Run) -> list[str]:
    return [name for (name,) in rows(run, "SELECT name FROM migrations ORDER BY applied_at")]


def test_each_is_applied_once(run):
    first, second = migrate(run), migrate(run)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout.splitlines() == [
        "m0301_documents: applied",
        "m0302_owners: applied",
        "The stores are ready.",
    ]
    assert second.stdout == "The stores are ready.\n"
    assert recorded(run) == ["m0301_documents", "m0302_owners"]


def test_many_at_once_are_one(run):
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: migrate(run), range(4)))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert "".join(one.stdout for one in done).count("m0301_documents: applied") == 1


def test_data_from_before_there_were_owners(run, host, tmp_path):
    """It belongs to the public owner, it is found, and another owner can use the same id."""
    vector = str([1.0] + [0.0] * 1535)
    with psycopg.connect(run.database_url) as database:
        database.execute(OLD_SCHEMA.encode())
        for name in ("a", "b"):
            database.execute("INSERT INTO documents VALUES (%s, 'old.pdf')", [name])
            for position in range(3):
                values = [name, position, f"{name} {position}", vector]
                database.execute("INSERT INTO chunks VALUES (%s, %s, 1, %s, %s)", values)
    done = migrate(run)
    assert done.returncode == 0, done.stderr
    assert rows(run, "SELECT owner, count(*) FROM chunks GROUP BY 1") == [("public", 6)]
    assert rows(run, "SELECT document_id, owner, filename FROM documents ORDER BY 1") == [
        ("a", "public", "old.pdf"),
        ("b", "public", "old.pdf"),
    ]
    with psycopg.connect(run.database_url) as database:
        database.execute(
            "INSERT INTO documents (document_id, owner, filename) VALUES ('a', 'other', 'new')"
        )
        values = ["a", "other", 0, 1, "new", vector]
        database.execute(
            "INSERT INTO chunks (document_id, owner, position, page, text, embedding)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            values,
        )
        database.execute("DELETE FROM documents WHERE document_id = 'a' AND owner = 'public'")
    assert rows(
        run, "SELECT document_id, owner, count(*) FROM chunks GROUP BY 1, 2 ORDER BY 1"
    ) == [
        ("a", "other", 1),
        ("b", "public", 3),
    ]
    assert migrate(run).stdout == "The stores are ready.\n"


def test_old_tables_become_what_new_ones_are(stack):
    shapes = []
    for old in (True, False):
        with stack.isolated() as run:
            if old:
                with psycopg.connect(run.database_url) as database:
                    database.execute(OLD_SCHEMA.encode())
            assert migrate(run).returncode == 0
            shapes.append((rows(run, SHAPE), rows(run, CONSTRAINTS)))
    assert shapes[0] == shapes[1]


def test_a_later_week_adds_its_own(run, tmp_path):
    assert migrate(run).returncode == 0
    body = """
    def up(database):
        database.execute("CREATE TABLE parcels (id text)")
    """
    done = migrate(run, step(tmp_path, "m1001_parcels", body))
    assert done.stdout == "m1001_parcels: applied\nThe stores are ready.\n"
    assert rows(run, "SELECT count(*) FROM parcels") == [(0,)]


def test_one_that_fails_leaves_nothing_of_itself(run, tmp_path):
    body = """
    def up(database):
        database.execute("CREATE TABLE half (id text)")
        raise ValueError("no such parcel")
    """
    done = migrate(run, step(tmp_path, "m1001_half", body))
    assert done.returncode == 1
    assert done.stderr == "m1001_half: ValueError: no such parcel\n"
    assert recorded(run) == ["m0301_documents", "m0302_owners"]
    assert rows(run, "SELECT to_regclass('half') IS NULL") == [(True,)]


def test_one_that_warns_is_tried_again(run, tmp_path):
    body = """
    import os
    def up(database):
        return os.environ.get("TROUBLE") or None
    """
    layer = step(tmp_path, "m1001_parcels", body)
    warned = migrate(run, layer, TROUBLE="a right is missing")
    assert warned.returncode == 0
    assert "m1001_parcels: WARNING: a right is missing" in warned.stdout
    assert "m1001_parcels: applied" in migrate(run, layer, TROUBLE="").stdout
    assert migrate(run, layer).stdout == "The stores are ready.\n"


def test_a_database_that_is_not_in_utf8_is_refused(run):
    name = f"{run.id}_ascii"
    admin = run._admin
    admin.execute(
        "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
        name,
        run.id,
    )
    try:
        address = run.database_url.rpartition("/")[0] + f"/{name}"
        for _ in range(2):
            done = migrate(run, DATABASE_URL=address)
            assert done.returncode == 1
            assert f"The database {name} on 127.0.0.1:" in done.stderr
            assert "is encoded in SQL_ASCII" in done.stderr
            assert "ENCODING 'UTF8'" in done.stderr
            assert "Traceback" not in done.stderr
        with psycopg.connect(address) as database:
            assert database.execute("SELECT to_regclass('migrations') IS NULL").fetchone() == (
                True,
            )
    finally:
        admin.drop(name)


def test_a_database_that_is_away_is_named(run):
    with run.postgres_outage():
        done = migrate(run)
    assert done.returncode == os.EX_TEMPFAIL
    assert done.stderr.startswith("PostgreSQL cannot be reached:")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("question", ["SELECT 1 FROM chunks", "SELECT 1 FROM documents"])
def test_no_request_creates_a_table(run, host, tmp_path, question):
    from autograder.process.student import Student

    code = Student(LAYERS, run.environment(), tmp_path, host)
    try:
        answer = code.ask("pipeline.steps.index", "index_document", "a", "public", "a", [], [])
        assert not answer.ok
    finally:
        code.stop()
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(run, question)
