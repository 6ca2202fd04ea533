"""An endpoint that reads an upload, does nothing with it, and answers 202: the least that a server needs."""

from __future__ import annotations

from uuid import uuid4

from fastapi import FastAPI, UploadFile

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that it runs."""
    return {"status": "ok"}


@app.post("/documents", status_code=202)
async def accept(file: UploadFile) -> dict[str, object]:
    """Read the whole file, and keep nothing of it."""
    return {"job_id": str(uuid4()), "bytes": len(await file.read())}
