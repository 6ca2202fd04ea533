"""Fill a JSON schema from a text: always valid, always the same, as sensible as words allow."""

from __future__ import annotations

from typing import Any

from bootcamp.providers.openai_standin.errors import ServiceError
from bootcamp.providers.openai_standin.summary import keywords, sentences, summarize

MAX_DEPTH = 10
"""As deep as the service lets a schema go."""
MAX_VALUES = 5_000
"""Values in one answer, so that a schema that points to itself ends."""
MAX_ITEMS = 5
"""Items put into an array that does not ask for more or fewer."""
MAX_TITLE_CHARS = 120


def fill(schema: dict[str, Any], text: str) -> Any:
    """Return a value that the schema accepts.

    A property called title gets the first sentence, one called like keyword, tag or topic the most
    used words, any other text the summary. An enum gets the choice that the text names, else its
    first.

    Raises:
        ServiceError: 400, the schema is malformed, too large, nested too deep or points to nothing.
    """
    try:
        return _Filler(schema, text).value(schema, "", 0)
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        message = f"The schema is malformed: {error}"
        raise ServiceError(400, message, param="response_format") from error


class _Filler:
    def __init__(self, root: dict[str, Any], text: str) -> None:
        self.root = root
        self.text = text
        self.left = MAX_VALUES

    def value(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            message = f"The schema is deeper than {MAX_DEPTH} levels or asks for too many values."
            raise ServiceError(400, message, param="response_format")
        inner = self._points_to(schema)
        if inner is not None:
            return self.value(inner, name, depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            properties = schema.get("properties", {}).items()
            return {key: self.value(inner, key, depth + 1) for key, inner in properties}
        if kind == "array":
            return self._array(schema, name, depth)
        return self._scalar(schema, kind, name)

    def _points_to(self, schema: dict[str, Any]) -> dict[str, Any] | None:
        """The schema that a `$ref` or a union stands for."""
        if "$ref" in schema:
            found = self.root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                found = found[step] if step else found
            return found
        for union in ("anyOf", "oneOf", "allOf"):
            if schema.get(union):
                first: dict[str, Any] = schema[union][0]
                return first
        return None

    def _choice(self, choices: list[Any]) -> Any:
        text = self.text.casefold()
        return next((choice for choice in choices if str(choice).casefold() in text), choices[0])

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 1)
        if least > MAX_VALUES:
            raise ServiceError(400, "minItems is too large.", param="response_format")
        most = max(least, min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS))
        items = schema.get("items", {"type": "string"})
        if items.get("type") == "string" and not items.get("enum"):
            summary = summarize(self.text, most)
            words = keywords(self.text, most) if _wants_keywords(name) else sentences(summary)
            return (words + [name] * least)[: max(least, min(len(words), most))]
        return [self.value(items, name, depth + 1) for _ in range(max(least, min(1, most)))]

    def _scalar(self, schema: dict[str, Any], kind: str, name: str) -> Any:
        if kind in ("integer", "number"):
            return schema.get("minimum", min(0, schema.get("maximum", 0)))
        if kind in ("boolean", "null"):
            return {"boolean": False, "null": None}[kind]
        if "title" in name.casefold():
            return next(iter(sentences(self.text)), "")[:MAX_TITLE_CHARS]
        return ", ".join(keywords(self.text, 3)) if _wants_keywords(name) else summarize(self.text)


def _wants_keywords(name: str) -> bool:
    return any(word in name.casefold() for word in ("keyword", "tag", "topic", "entit"))
