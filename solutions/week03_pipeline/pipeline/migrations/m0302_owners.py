"""Gives an owner to documents that were indexed before rows had one.

Given to students complete.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

HAS_OWNER = """
SELECT count(*) FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = 'chunks' AND column_name = 'owner'
"""
ADD_OWNER = """
ALTER TABLE chunks DROP CONSTRAINT chunks_document_id_fkey, DROP CONSTRAINT chunks_pkey;
ALTER TABLE documents DROP CONSTRAINT documents_pkey;

ALTER TABLE documents ADD COLUMN owner text NOT NULL DEFAULT 'public';
ALTER TABLE documents ALTER COLUMN owner DROP DEFAULT, ADD PRIMARY KEY (document_id, owner);

ALTER TABLE chunks ADD COLUMN owner text NOT NULL DEFAULT 'public';
ALTER TABLE chunks
    ALTER COLUMN owner DROP DEFAULT,
    ADD PRIMARY KEY (document_id, owner, position),
    ADD FOREIGN KEY (document_id, owner) REFERENCES documents ON DELETE CASCADE;
"""
"""Until week 8 everybody is `pipeline.owners.PUBLIC`, so all old rows belong to that owner."""


def up(database: Connection[Any]) -> None:
    """Add the column to both tables, and the owner to their keys. New tables have it already."""
    if database.execute(HAS_OWNER).fetchone() == (0,):
        database.execute(ADD_OWNER)
