"""Every answer of the API is one that its own OpenAPI document describes (Schemathesis)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.week06.conftest import Api

EXAMPLES = 12
"""Requests for each operation and mode: a bounded look, for each parameter and its limits."""
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
JSON = {"content-type": "application/json"}
OPERATIONS = 15
"""At least so many operations: an empty document would pass too."""


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_described(api: Api, mode: GenerationMode) -> None:
    """With requests that the document allows, and with ones that it does not.

    The pytest plugin of Schemathesis 4.32 does not run on pytest 9.2, so its parts are used.
    """
    api.register()
    schema = schemathesis.openapi.from_url(f"{api.apps.api_url}/openapi.json")
    found = list(schema.get_all_operations())
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) == len(found)
    assert len(operations) >= OPERATIONS
    wrong = {one.label: text for one in operations if (text := what_is_wrong(one, mode))}
    assert not wrong, "\n\n".join(f"{label}: {text}" for label, text in wrong.items())


def what_is_wrong(operation: Any, mode: GenerationMode) -> str:
    """Why an answer to one operation breaks the document; nothing if none does."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=30)

    try:
        check()
    except Unsatisfiable:  # an operation without parameters: no request breaks the document
        return ""
    except (Exception, BaseExceptionGroup) as error:  # its own failures come in groups
        return "".join(map(str, getattr(error, "exceptions", [error])))[:2_000]
    return ""


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "kind"),
    [
        ("GET", "/jobs", {"params": {"limit": 0}}, 422, "invalid_request"),
        ("GET", "/jobs/no-uuid", {}, 422, "invalid_request"),
        ("POST", "/webhooks", {}, 422, "invalid_request"),
        ("POST", "/webhooks", {"content": b"\xff", "headers": JSON}, 422, "invalid_request"),
        ("GET", "/nowhere", {}, 404, "not_found"),
        ("DELETE", "/jobs", {}, 405, "method_not_allowed"),
    ],
)
def test_every_error_has_the_same_two_fields(
    api: Api, method: str, path: str, options: dict[str, Any], status: int, kind: str
) -> None:
    answer = api.http.request(method, path, **options)
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"detail", "type"}
    assert body["type"] == kind
    assert isinstance(body["detail"], str)
