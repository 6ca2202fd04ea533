"""The idea of a semantic splitter in twenty lines: the largest boundary that fits."""

import re

BOUNDARIES = {
    "paragraph": r"(?<=\n\n)",
    "sentence": r"(?<=[.!?] )",
    "word": r"(?<= )",
    "character": r"",
}
"""From large to small: where a piece may end, as a pattern that takes no character away."""

LETTER = """\
The lamp is lit at dusk. It burns until dawn.

The horn sounds in fog: three seconds, every minute. \
Supercalifragilisticexpialidocious is a word. The keeper sleeps by day."""


def split(text: str, size: int, boundaries: list[str]) -> list[str]:
    """Cut `text` into pieces of at most `size` characters. Joined, the pieces are `text` again."""
    if len(text) <= size:
        return [text]
    pattern, *smaller = boundaries
    pieces: list[str] = []
    for part in re.split(pattern, text):
        if pieces and len(pieces[-1]) + len(part) <= size:
            pieces[-1] += part  # neighbours that fit stay together
        else:
            pieces += split(part, size, smaller) if part else []
    return pieces


def main() -> None:
    for size in (60, 25):
        pieces = split(LETTER, size, list(BOUNDARIES.values()))
        print(f"at most {size}: {len(pieces)} pieces, nothing lost: {''.join(pieces) == LETTER}")
        for piece in pieces:
            print(f"   {piece!r}")


if __name__ == "__main__":
    main()
