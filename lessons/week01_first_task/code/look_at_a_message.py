"""Opens a Celery message while it waits in Redis, and the result that replaces it."""

import base64
import json
import os

from local import celery_worker, local_services
from redis import Redis
from reports import write


def main() -> None:
    with local_services():
        queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
        results = Redis.from_url(os.environ["REDIS_URL"], db=1)

        receipt = write.delay("Ada")  # no worker is running
        message = json.loads(queue.lindex("celery", 0))
        arguments, options, _ = json.loads(base64.b64decode(message["body"]))
        print("messages in the queue:", queue.llen("celery"))
        print("task:     ", message["headers"]["task"])
        print("id:       ", message["headers"]["id"])
        print("arguments:", arguments, options)
        print("state:    ", receipt.state)

        with celery_worker("reports"):
            receipt.get(timeout=30)
        print("messages in the queue:", queue.llen("celery"))
        print("result:   ", results.get(f"celery-task-meta-{receipt.id}").decode())


if __name__ == "__main__":
    main()
