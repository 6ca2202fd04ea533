-- The tables of the search index, as the migration `m0301_documents` creates them.
-- An owner is part of every key, so two owners can never overwrite each other's rows.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE IF NOT EXISTS documents (
    document_id text NOT NULL,
    owner       text NOT NULL,
    filename    text NOT NULL,
    indexed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, owner)
);

CREATE TABLE IF NOT EXISTS chunks (
    document_id text NOT NULL,
    owner       text NOT NULL,
    position    integer NOT NULL CHECK (position >= 0),
    page        integer NOT NULL CHECK (page >= 1),
    text        text NOT NULL,
    embedding   vector(1536) NOT NULL,
    PRIMARY KEY (document_id, owner, position),
    FOREIGN KEY (document_id, owner) REFERENCES documents ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS chunks_embedding ON chunks USING hnsw (embedding vector_cosine_ops);
