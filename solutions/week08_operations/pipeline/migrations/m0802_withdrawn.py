"""Makes PostgreSQL refuse documents that were withdrawn from the index.

Given to students complete.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS withdrawn (
        document_id  text NOT NULL,
        owner        text NOT NULL,
        withdrawn_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (document_id, owner)
    )
    """,
    """
    CREATE OR REPLACE FUNCTION lock_document(id text, who text) RETURNS void LANGUAGE sql AS $$
        SELECT pg_advisory_xact_lock(hashtextextended(id || E'\\n' || who, 0))
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION refuse_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM lock_document(NEW.document_id, NEW.owner);
        IF EXISTS (
            SELECT 1 FROM withdrawn WHERE document_id = NEW.document_id AND owner = NEW.owner
        ) THEN
            RAISE EXCEPTION 'this document was withdrawn' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE OR REPLACE TRIGGER refuse_withdrawn BEFORE INSERT OR UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION refuse_withdrawn()
    """,
)
"""`lock_document` locks one document until the end of the transaction. A worker that writes a document and a
process that withdraws it take the same lock, so one of them waits, and then sees what the other has done."""


def up(database: Connection[Any]) -> None:
    """Create the table, the functions and the trigger."""
    for statement in STATEMENTS:
        database.execute(statement)
