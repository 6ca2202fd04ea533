"""A reader turns the pages of a list while a new story arrives at its top."""

from collections.abc import Callable

SIZE = 3


def page_by_number(stories: list[int], page: int, _: int | None) -> list[int]:
    """Return the stories of a page, by its number."""
    return stories[page * SIZE : (page + 1) * SIZE]


def page_after_last(stories: list[int], _: int, last: int | None) -> list[int]:
    """Return the stories that come after the last one that the reader has seen."""
    older = [story for story in stories if last is None or story < last]
    return older[:SIZE]


def turn_pages(way: Callable[[list[int], int, int | None], list[int]]) -> list[list[int]]:
    """Read two pages. Between them, story 10 is published."""
    stories = [9, 8, 7, 6, 5, 4]  # the newest first
    first = way(stories, 0, None)
    stories.insert(0, 10)
    return [first, way(stories, 1, first[-1])]


def main() -> None:
    for way in (page_by_number, page_after_last):
        print(f"{way.__name__ + ':':17}{turn_pages(way)}")


if __name__ == "__main__":
    main()
