"""Backup and restore of what the pipeline stores: PostgreSQL, the jobs table and the blobs.

A backup may be made while the pipeline works. The order of its parts matters, because they are not saved at
the same moment:

1. The table. Each row names a blob, and a completed row has its chunks in PostgreSQL.
2. The blobs. The blob of a saved row is still there, unless the document has been deleted meanwhile.
3. PostgreSQL. It has at least what the saved rows claim. An unfinished job runs again, and replaces
   its own chunks.

Redis is not saved: every message can be sent again from the rows. A restore empties Redis, and the sweep
publishes the unfinished jobs. So jobs may run twice and webhooks may be delivered twice, with the same id.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

TABLE_FILE = "jobs.jsonl"
BLOBS_FILE = "blobs.tar"
POSTGRES_FILE = "postgres.dump"
CONTENTS_FILE = "backup.json"
FORMAT = 1
"""The version of this layout. A restore refuses every other one."""
CHUNK_BYTES = 1024 * 1024


class BackupError(Exception):
    """The backup or the restore did not succeed. The message says what to do."""


class Place(Protocol):
    """Where the stores are. Every method raises `BackupError` if a command fails."""

    database: str
    """The name of the database."""
    owner: str
    """The role that owns it."""

    def postgres(
        self, *words: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a program of PostgreSQL as its superuser, such as `pg_dump`."""
        ...

    def stores(
        self, command: str, source: BinaryIO | None = None, out: BinaryIO | None = None
    ) -> None:
        """Run a command of `ops/stores.py`."""
        ...

    def stop(self) -> None:
        """Stop every process that writes to the stores, and start the stores if they are down."""
        ...

    def empty_redis(self) -> None:
        """Delete all messages."""
        ...

    def migrate(self) -> None:
        """Run `python -m pipeline.migrate`."""
        ...

    def start(self) -> None:
        """Start the processes that `stop` has stopped."""
        ...


@dataclass(frozen=True)
class Contents:
    """What a backup has: written last, so a backup without it is not complete."""

    format: int
    made_at: float
    """When the backup began, in seconds since 1970."""
    files: Mapping[str, str]
    """The SHA-256 of each file, in hex."""


def backup(place: Place, folder: Path) -> Contents:
    """Save the stores to a new folder, which only its owner can read. It has secrets of your clients.

    Raises:
        BackupError: the folder exists, or a store cannot be read.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise BackupError(f"{folder} exists. Name a new folder.") from None
    began = time.time()
    with (folder / TABLE_FILE).open("wb") as out:
        place.stores("save-table", out=out)
    with (folder / BLOBS_FILE).open("wb") as out:
        place.stores("save-blobs", out=out)
    with (folder / POSTGRES_FILE).open("wb") as out:
        place.postgres("pg_dump", "--format=custom", f"--dbname={place.database}", out=out)
    names = (TABLE_FILE, BLOBS_FILE, POSTGRES_FILE)
    contents = Contents(FORMAT, began, {name: sha256(folder / name) for name in names})
    (folder / CONTENTS_FILE).write_text(json.dumps(asdict(contents), indent=2) + "\n")
    return contents


def restore(place: Place, folder: Path) -> None:
    """Replace what is stored with a backup. The files are checked before anything is changed.

    If it fails half way, repair the cause and run it again: it begins from the start. PostgreSQL's old
    database is dropped only when the new one is complete.

    Raises:
        BackupError: the backup is incomplete or damaged, or a store cannot be written.
    """
    check(folder)
    place.stop()
    place.empty_redis()
    place.migrate()  # on a new machine there is no table yet
    _restore_postgres(place, folder / POSTGRES_FILE)
    with (folder / BLOBS_FILE).open("rb") as source:
        place.stores("load-blobs", source=source)
    with (folder / TABLE_FILE).open("rb") as source:
        place.stores("load-table", source=source)
    place.migrate()  # the backup may be older than the code
    place.start()


def check(folder: Path) -> Contents:
    """Return the contents of a backup whose files are complete and unchanged.

    Raises:
        BackupError: they are not.
    """
    try:
        found = Contents(**json.loads((folder / CONTENTS_FILE).read_text()))
    except FileNotFoundError:
        raise BackupError(f"{folder} has no complete backup: {CONTENTS_FILE} is missing.") from None
    except (ValueError, TypeError):
        raise BackupError(f"{folder / CONTENTS_FILE} cannot be read.") from None
    if found.format != FORMAT:
        raise BackupError(f"{folder} has format {found.format}, and this program reads {FORMAT}.")
    for name, digest in found.files.items():
        path = folder / name
        if not path.is_file() or sha256(path) != digest:
            raise BackupError(f"{path} is missing or damaged. Use another backup.")
    return found


def _restore_postgres(place: Place, dump: Path) -> None:
    """Restore into a new database, and then exchange it for the old one."""
    new = f"{place.database}_restored"
    place.postgres("dropdb", "--if-exists", "--force", new)
    place.postgres("createdb", "--template=template0", f"--owner={place.owner}", new)
    run_sql(place, f'REVOKE ALL ON DATABASE "{new}" FROM PUBLIC')
    run_sql(place, "CREATE EXTENSION vector", database=new)  # the owner may not create it
    words = [
        "pg_restore",
        "--exit-on-error",
        "--no-owner",
        "--no-comments",
        f"--role={place.owner}",
    ]
    with dump.open("rb") as source:
        place.postgres(*words, f"--dbname={new}", source=source)
    place.postgres("dropdb", "--if-exists", "--force", place.database)
    run_sql(place, f'ALTER DATABASE "{new}" RENAME TO "{place.database}"')


def run_sql(place: Place, statement: str, database: str = "postgres") -> None:
    """Run one statement as PostgreSQL's superuser."""
    place.postgres(
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={database}",
        f"--command={statement}",
    )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
    return digest.hexdigest()
