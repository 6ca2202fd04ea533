"""A model is asked for a weather report as JSON, and gives six answers. Which of them are stored?"""

import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ANSWERS = {
    "as wanted": '{"place": "Port Avel", "wind": 7, "warning": "storm"}',
    "with words around it": 'Here it is:\n{"place": "Port Avel", "wind": 7, "warning": "storm"}',
    "cut at the limit": '{"place": "Port Avel", "wind": 7, "warn',
    "a refusal": '"I cannot help with that."',
    "a wind of 70 Beaufort": '{"place": "Port Avel", "wind": 70, "warning": "storm"}',
    "an invented field": '{"place": "Port Avel", "wind": 7, "warning": "storm", "mail": "to all"}',
}


class Report(BaseModel):
    """A weather report: `wind` in Beaufort, 0 to 12."""

    model_config = ConfigDict(extra="forbid", strict=True)

    place: Annotated[str, Field(min_length=1, max_length=80)]
    wind: Annotated[int, Field(ge=0, le=12)]
    warning: Literal["none", "storm", "fog"]


def any_json(answer: str) -> None:
    """Accept what can be read as JSON."""
    json.loads(answer)


def the_schema(answer: str) -> None:
    """Accept what has the fields, types and limits of a report, and nothing else."""
    Report.model_validate_json(answer)


def verdict(check: Callable[[str], None], answer: str) -> str:
    """Say whether the check lets this answer pass."""
    try:
        check(answer)
    except (ValidationError, json.JSONDecodeError):
        return "refused"
    return "stored"


def main() -> None:
    print(f"{'':24}any JSON   the schema")
    for name, answer in ANSWERS.items():
        print(f"{name:24}{verdict(any_json, answer):11}{verdict(the_schema, answer)}")


if __name__ == "__main__":
    main()
