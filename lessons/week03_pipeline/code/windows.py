"""Overlap on words: a window that goes forward by less than its width."""

STORY = (
    "The keeper of the light is Ada. She has kept it for thirty years. "
    "In a storm she keeps it alone, because no boat can land."
)


def windows(words: list[str], size: int, overlap: int) -> list[list[str]]:
    """Cut windows of at most `size` words. Each repeats the last `overlap` words of the one before.

    Raises:
        ValueError: `overlap` is not smaller than `size`, so the next window would not go forward.
    """
    step = size - overlap
    if step < 1:
        raise ValueError(f"an overlap of {overlap} needs windows of more than {overlap} words")
    return [words[start : start + size] for start in range(0, len(words) - overlap, step)]


def main() -> None:
    words = STORY.split()
    for overlap in (0, 4):
        found = windows(words, size=12, overlap=overlap)
        print(f"overlap {overlap}: {sum(map(len, found))} words to embed, of {len(words)}")
        for window in found:
            print("  ", " ".join(window))


if __name__ == "__main__":
    main()
