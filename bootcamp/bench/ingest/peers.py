"""What other libraries need for the same documents: a loop over the files, as their guides write it.

Runs in an environment of its own (`make bench-peers`), because their dependencies do not fit ours:
`python peers.py NAME FOLDER` prints one line of JSON. It gets `DATABASE_URL`, `OPENAI_BASE_URL` and
`OPENAI_API_KEY`. The imports, the tables and one warm-up document are not timed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MODEL = "text-embedding-3-small"
DIMENSIONS = 1_536
CHUNK_CHARS, OVERLAP_CHARS = 1_000, 150
CHUNK_TOKENS, OVERLAP_TOKENS = 350, 50
"""The same size in tokens, which is what LlamaIndex counts: about 2.9 characters of these documents each."""

Ingest = Callable[[Path], int]
"""Takes a file into the index, and returns how many chunks it has."""


def langchain(loader: Callable[[str], Any], hnsw: bool = False) -> Ingest:
    """LangChain: load, split, and add the documents to a `PGVectorStore`.

    Args:
        loader: the class that loads a PDF.
        hnsw: whether the table has a vector index, as the pipeline's has. By default it has none.
    """
    from langchain_openai import OpenAIEmbeddings
    from langchain_postgres import PGEngine, PGVectorStore
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    engine = PGEngine.from_connection_string(url=url)
    engine.init_vectorstore_table(table_name="chunks", vector_size=DIMENSIONS)
    # The length check needs a tokenizer, which tiktoken downloads.
    model = OpenAIEmbeddings(model=MODEL, check_embedding_ctx_length=False)
    store = PGVectorStore.create_sync(engine=engine, table_name="chunks", embedding_service=model)
    if hnsw:
        from langchain_postgres.v2.indexes import HNSWIndex

        store.apply_vector_index(HNSWIndex())
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS)

    def ingest(path: Path) -> int:
        chunks = splitter.split_documents(loader(str(path)).load())
        store.add_documents(chunks)
        return len(chunks)

    return ingest


def langchain_pypdf() -> Ingest:
    """LangChain with pypdf, which its guides use first."""
    from langchain_community.document_loaders import PyPDFLoader

    return langchain(PyPDFLoader)


def langchain_pypdfium2() -> Ingest:
    """LangChain with pypdfium2, so that its parser is as fast as ours."""
    from langchain_community.document_loaders import PyPDFium2Loader

    return langchain(PyPDFium2Loader)


def langchain_hnsw() -> Ingest:
    """LangChain with pypdfium2 and the pipeline's kind of vector index."""
    from langchain_community.document_loaders import PyPDFium2Loader

    return langchain(PyPDFium2Loader, hnsw=True)


def llamaindex() -> Ingest:
    """LlamaIndex: an ingestion pipeline with its PDF reader, which uses pypdf, and a `PGVectorStore`."""
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.openai import OpenAIEmbedding
    from llama_index.readers.file import PDFReader
    from llama_index.vector_stores.postgres import PGVectorStore

    at = urlsplit(os.environ["DATABASE_URL"])
    store = PGVectorStore.from_params(
        host=at.hostname,
        port=str(at.port),
        database=at.path[1:],
        user=at.username,
        password=at.password,
        embed_dim=DIMENSIONS,
    )
    splitter = SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS)
    model = OpenAIEmbedding(model=MODEL, api_base=os.environ["OPENAI_BASE_URL"])
    pipeline = IngestionPipeline(transformations=[splitter, model], vector_store=store)
    reader = PDFReader()

    def ingest(path: Path) -> int:
        return len(pipeline.run(documents=reader.load_data(path)))

    return ingest


PEERS: dict[str, Callable[[], Ingest]] = {
    "langchain-pypdf": langchain_pypdf,
    "langchain-pypdfium2": langchain_pypdfium2,
    "langchain-pypdfium2-hnsw": langchain_hnsw,
    "llamaindex-pypdf": llamaindex,
}


def main() -> None:
    """Take in one document untimed, then all others timed."""
    ingest = PEERS[sys.argv[1]]()
    folder = Path(sys.argv[2])
    ingest(folder / "warm_up.pdf")
    reports = sorted(folder.glob("report*.pdf"))
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    chunks = sum(ingest(path) for path in reports)
    seconds = time.perf_counter() - started
    print(json.dumps({"documents": len(reports), "chunks": chunks, "seconds": seconds}), flush=True)
    sys.stdin.readline()  # the bench reads how much processor time it took


if __name__ == "__main__":
    main()
