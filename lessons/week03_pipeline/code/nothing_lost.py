"""What a splitter returns is not always all it was given. Counts what is missing."""

from local import SAMPLES
from semantic_text_splitter import TextSplitter

NOTES = (SAMPLES / "tide_notes.md").read_text(encoding="utf-8")
SIZE = 200


def lost(splitter: TextSplitter) -> int:
    """Count the characters of the notes that are in no piece."""
    end = missing = 0
    for start, piece in splitter.chunk_indices(NOTES):
        missing += start - end
        end = start + len(piece)
    return missing + len(NOTES) - end


def main() -> None:
    print(f"of {len(NOTES):,} characters lost, as it comes:", lost(TextSplitter(SIZE)))
    print("with trim=False:", lost(TextSplitter(SIZE, trim=False)))


if __name__ == "__main__":
    main()
