"""Cuts the tide notes every 200 characters, and then where the text allows it."""

from local import SAMPLES
from semantic_text_splitter import TextSplitter

NOTES = (SAMPLES / "tide_notes.md").read_text(encoding="utf-8")
SIZE = 200


def every(size: int, text: str) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def at_boundaries(size: int, text: str) -> list[str]:
    return TextSplitter(size).chunks(text)


def show(pieces: list[str]) -> None:
    """The ends of the piece about spring tides, and of the next."""
    place = next(number for number, piece in enumerate(pieces) if "Spring tides" in piece)
    for piece in pieces[place : place + 2]:
        print(f"   {piece[:30]!r} … {piece[-30:]!r}")


def main() -> None:
    print(f"every {SIZE} characters")
    show(every(SIZE, NOTES))
    print("at boundaries")
    show(at_boundaries(SIZE, NOTES))


if __name__ == "__main__":
    main()
