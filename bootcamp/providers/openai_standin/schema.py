"""Fill a JSON schema from a text: always valid, always the same, as sensible as words allow."""

from __future__ import annotations

from typing import Any

from bootcamp.providers.openai_standin.errors import ServiceError
from bootcamp.providers.openai_standin.summary import keywords, sentences, summarize

MAX_DEPTH = 10
"""As deep as the service lets a schema go."""
MAX_ITEMS = 5
"""Items put into an array that does not ask for more or fewer."""
MAX_TITLE_CHARS = 120


def fill(schema: dict[str, Any], text: str) -> Any:
    """A value that the schema accepts.

    A property called title gets the first sentence, one called like keyword, tag or topic the most
    used words, any other text the summary. An enum gets the choice that the text names, else its first.

    Raises:
        ServiceError: 400, the schema is nested too deep or points to nothing.
    """
    return _value(schema, text, schema, "", 0)


def _value(schema: Any, text: str, root: dict[str, Any], name: str, depth: int) -> Any:
    if depth > MAX_DEPTH or not isinstance(schema, dict):
        message = f"A part of the schema is no object, or lies deeper than {MAX_DEPTH} levels."
        raise ServiceError(400, message, param="response_format")
    if "$ref" in schema:
        return _value(_target(root, schema["$ref"]), text, root, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        named = (choice for choice in schema["enum"] if str(choice).casefold() in text.casefold())
        return next(named, schema["enum"][0])
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return _value(schema[union][0], text, root, name, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties") or {}
        return {key: _value(inner, text, root, key, depth + 1) for key, inner in properties.items()}
    if kind == "array":
        return _array(schema, text, root, name, depth)
    if kind in ("integer", "number"):
        return _number(schema)
    return {"boolean": False, "null": None}.get(kind, _string(text, name))


def _array(schema: dict[str, Any], text: str, root: dict[str, Any], name: str, depth: int) -> Any:
    least = schema.get("minItems", 1)
    count = max(least, min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS))
    items = schema.get("items") or {"type": "string"}
    if items.get("type") == "string" and not items.get("enum"):
        pool = keywords(text, count) if _wants_keywords(name) else sentences(summarize(text, count))
        if len(pool) >= least:
            return pool[:count]
        return (pool + [name] * count)[:least]
    return [_value(items, text, root, name, depth + 1)] * max(least, 1)


def _number(schema: dict[str, Any]) -> Any:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return 0
    return low if low is not None else min(0, high)


def _string(text: str, name: str) -> str:
    if "title" in name.casefold():
        return next(iter(sentences(text)), "")[:MAX_TITLE_CHARS]
    if _wants_keywords(name):
        return ", ".join(keywords(text, 3))
    return summarize(text)


def _wants_keywords(name: str) -> bool:
    return any(word in name.casefold() for word in ("keyword", "tag", "topic", "entit"))


def _target(root: dict[str, Any], reference: object) -> Any:
    found: Any = root
    steps = str(reference).removeprefix("#").strip("/").split("/")
    for step in filter(None, steps):
        found = found.get(step) if isinstance(found, dict) else None
    return found
