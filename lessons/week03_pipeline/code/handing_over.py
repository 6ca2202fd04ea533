"""What the customer's id ends with, when a task waits for others, only starts them, or is replaced."""

import os
import tempfile
from pathlib import Path

from celery.result import AsyncResult
from local import SAMPLES, celery_worker, local_services
from redis import Redis
from wordcount import replaces, starts_only, waits


def outcome(receipt: AsyncResult) -> object:
    """The result, or the kind and the first sentence of the error."""
    try:
        return receipt.get(timeout=30)
    except RuntimeError as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def main() -> None:
    with local_services(), tempfile.TemporaryDirectory() as folder:
        os.environ["ARTIFACTS"] = folder
        text = (SAMPLES / "tide_notes.md").read_text(encoding="utf-8")
        (Path(folder) / "notes").write_text(text, encoding="utf-8")
        with celery_worker("wordcount"):
            for task in (waits, starts_only, replaces):
                receipt = task.delay({"text_key": "notes"})
                print(f"{task.name}:", outcome(receipt))
        work = int(Redis.from_url(os.environ["REDIS_URL"], db=2).get("split") or 0)
        artifacts = sorted(path.name.partition("-")[0] for path in Path(folder).iterdir())
        print(f"split has worked {work} times; in the folder:", *artifacts)


if __name__ == "__main__":
    main()
