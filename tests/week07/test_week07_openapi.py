"""The answers of week 7's routes are those that the OpenAPI document describes. A stream has no end, so
`/events` is not called."""

from __future__ import annotations

import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from tests.week06.test_week06_openapi import what_is_wrong
from tests.week07.conftest import Api

NEW = {"GET /stats", "POST /jobs/{job_id}/cancel", "GET /jobs", "GET /jobs/{job_id}"}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_described(api: Api, mode: GenerationMode) -> None:
    api.put_row(status="completed")
    schema = schemathesis.openapi.from_url(f"{api.apps.api_url}/openapi.json")
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    operations = [one for one in found if one.label in NEW]
    assert {one.label for one in operations} == NEW
    wrong = {one.label: text for one in operations if (text := what_is_wrong(one, mode))}
    assert not wrong, "\n\n".join(f"{label}: {text}" for label, text in wrong.items())


def test_the_stream_is_described(api: Api) -> None:
    described = api.http.get("/openapi.json").json()["paths"]["/events"]["get"]
    assert "text/event-stream" in described["responses"]["200"]["content"]
    assert {"429", "503"} <= set(described["responses"])


def test_a_conflict_of_cancelling_is_described(api: Api) -> None:
    described = api.http.get("/openapi.json").json()
    answer = described["paths"]["/jobs/{job_id}/cancel"]["post"]["responses"]["409"]
    schema = answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    fields = set(described["components"]["schemas"][schema]["properties"])
    assert fields == {"detail", "type", "status"}
