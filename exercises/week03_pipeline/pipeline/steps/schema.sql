-- What `ensure_schema` makes once. The last statement is the sign that all of it is there.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE IF NOT EXISTS documents (
    document_id text PRIMARY KEY,
    filename    text NOT NULL,
    indexed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS chunks (
    document_id text NOT NULL REFERENCES documents ON DELETE CASCADE,
    position    integer NOT NULL CHECK (position >= 0),
    page        integer NOT NULL CHECK (page >= 1),
    text        text NOT NULL,
    embedding   vector(1536) NOT NULL,
    PRIMARY KEY (document_id, position)
);

CREATE INDEX IF NOT EXISTS chunks_embedding ON chunks USING hnsw (embedding vector_cosine_ops);
