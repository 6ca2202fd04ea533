"""Builds DynamoDB's update expressions. Given.

Every name has a placeholder, because DynamoDB reserves hundreds of words, such as `status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def update_expression(changes: Mapping[str, Any], add: Mapping[str, int]) -> dict[str, Any]:
    """Build the arguments of `UpdateItem` for these changes.

    Args:
        changes: the new values by attribute. A dot leads into a map. None removes the attribute.
        add: what is added to numbers.
    """
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    parts: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}

    def path(name: str) -> str:
        for word in name.split("."):
            names[f"#u_{word}"] = word
        return ".".join(f"#u_{word}" for word in name.split("."))

    def value(new: Any) -> str:
        placeholder = f":u{len(values)}"
        values[placeholder] = new
        return placeholder

    for name, new in changes.items():
        if new is None:
            parts["REMOVE"].append(path(name))
        else:
            parts["SET"].append(f"{path(name)} = {value(new)}")
    for name, count in add.items():
        parts["ADD"].append(f"{path(name)} {value(count)}")
    return {
        "UpdateExpression": " ".join(f"{verb} {', '.join(p)}" for verb, p in parts.items() if p),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
