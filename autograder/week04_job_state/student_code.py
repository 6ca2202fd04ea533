"""The modules and types of the student's code, and what its functions return after a race."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.sdk import Answer, fail, made
from autograder.sdk.answers import Made, must_return, number
from autograder.week04_job_state.rivals import READ_AGAIN

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


def check_own(sent: str, said: dict[str, Any], generation: Any) -> None:
    """The function returns the job as its own write left it, and not as a later write did."""
    if number(said.get("generation")) != number(generation):
        fail(
            sent=sent,
            expected=f"the job as it is after the call's own write: generation {generation}",
            got=f"generation {said.get('generation')}",
            cause=READ_AGAIN,
        )
