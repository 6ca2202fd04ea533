"""Recipes from strangers, as JSON: many ways to be wrong, and two words for them."""

import json
from collections.abc import Callable

Recipe = dict[str, float]


class RecipeError(Exception):
    """The sender's fault: the same bytes fail again, so nobody should try again."""


class EmptyRecipe(RecipeError):
    """There is nothing in it."""


class DamagedRecipe(RecipeError):
    """Whatever else is wrong with it."""


def trusting(data: bytes) -> Recipe:
    """Grams of each ingredient."""
    return {name: float(grams) for name, grams in json.loads(data).items()}


def careful(data: bytes) -> Recipe:
    """Grams of each ingredient.

    Raises:
        EmptyRecipe, DamagedRecipe: the bytes are at fault, whatever a library said to them.
        MemoryError: this machine is at fault.
    """
    try:
        recipe = trusting(data)
        if not recipe:
            raise EmptyRecipe
    except (RecipeError, MemoryError):
        raise
    except Exception as error:
        raise DamagedRecipe from error
    return recipe


BYTES = {
    "good": b'{"flour": 500, "yeast": 7}',
    "cut off": b'{"flour": 500, "ye',
    "not UTF-8": b'{"cr\xe8me": 200}',
    "a list": b"[500, 7]",
    "a word": b'{"flour": "some"}',
    "nested": b"[" * 100_000,
    "nothing": b"{}",
}


def name_of_error(call: Callable[[bytes], Recipe], data: bytes) -> str:
    try:
        call(data)
    except Exception as error:
        return type(error).__name__
    return "fine"


def main() -> None:
    for name, data in BYTES.items():
        ours = name_of_error(careful, data)
        print(f"{name + ':':<11}{name_of_error(trusting, data)} -> {ours}")


if __name__ == "__main__":
    main()
