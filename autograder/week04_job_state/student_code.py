"""The modules and types of the student's code, and the winners of a race for a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.sdk import Answer, made
from autograder.sdk.answers import Made, must_return

JOB = "pipeline.models.job"


TRACKING = "pipeline.tasks.tracking"


CREATION = "pipeline.models.creation"


LISTING = "pipeline.models.listing"


def status(name: str) -> Made:
    """The student's `Status`, as an argument."""
    return made(JOB, "Status", name)


def reference(document: Mapping[str, Any]) -> Made:
    """The student's `DocumentRef`, as an argument."""
    return made("pipeline.documents", "DocumentRef", **document)


def winners(sent: str, who: list[Any], answers: list[Answer], in_the_row: Any) -> list[Any]:
    """Return those callers that got the job. All others must have got None.

    On a busy machine a response of DynamoDB can be missing. Such a caller has not won, unless
    nobody else has and the row names this caller.
    """
    lost = "JobStoreUnavailable"
    heard = [pair for pair in zip(who, answers, strict=True) if pair[1].error != lost]
    won = [one for one, answer in heard if must_return(sent, answer) is not None]
    unsure = [one for one, answer in zip(who, answers, strict=True) if answer.error == lost]
    return won or [one for one in unsure if one == in_the_row]
