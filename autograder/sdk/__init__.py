"""The grader SDK: all that a grader may import of ours, beside the modules of its own week.

The names here are what most graders need. README.md has an example of each. The modules of this
package are for one store or one side each:

- `fixtures`: what a test asks for by name (`student`, `api`, `worker`, `rng`, `code`, …)
- `broker`, `database`, `jobs_table`, `dynamodb`, `blobs`: Redis, PostgreSQL, DynamoDB, the blob store
- `answers`, `randomness`, `comparing`: the student's functions, and what they return
- `uploading`, `submitting`, `api_log`: documents over HTTP, and the API's log
- `documents`, `network`, `relay`: documents and servers that a grader makes itself

Example:
    @pytest.mark.item("5.2")
    def test_double(student, rng):
        number = rng.randint(10, 99)
        value = student.call("pipeline.numbers", "double", number)
        if value != 2 * number:
            fail(sent=f"double({number})", expected=str(2 * number), got=value)
"""

from autograder.card import CheckFailed, TookTooLong, clean, fail, show
from autograder.process.api import Api
from autograder.process.browser import Chrome
from autograder.process.rpc_client import Answer, failure_card
from autograder.process.student import Student
from autograder.process.wait import until
from autograder.process.worker import Worker
from autograder.run.session import Session
from autograder.sdk.races import made, packed, race
from bootcamp.providers import (
    Fault,
    FeedRequest,
    FeedServer,
    JournalEntry,
    Mail,
    MailSink,
    OpenAIControl,
    WebhookSink,
)
from bootcamp.providers.clients import Delivery
from bootcamp.stack import Run

__all__ = [
    "Answer",
    "Api",
    "CheckFailed",
    "Chrome",
    "Delivery",
    "Fault",
    "FeedRequest",
    "FeedServer",
    "JournalEntry",
    "Mail",
    "MailSink",
    "OpenAIControl",
    "Run",
    "Session",
    "Student",
    "TookTooLong",
    "WebhookSink",
    "Worker",
    "clean",
    "fail",
    "failure_card",
    "made",
    "packed",
    "race",
    "show",
    "until",
]
