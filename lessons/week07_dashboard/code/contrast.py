"""The contrast of two colours, as WCAG defines it. Text needs 4.5 to 1."""

ENOUGH = 4.5


def luminance(colour: str) -> float:
    """How bright a colour such as `#1c5fa8` is: 0 is black, 1 is white."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast: 1 for two equal colours, 21 for black and white."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def main() -> None:
    for text, paper, what in (
        ("#999999", "#ffffff", "fashionable grey on white"),
        ("#5d625f", "#ffffff", "quiet text of our page"),
        ("#1c5fa8", "#ffffff", "processing, light"),
        ("#1c5fa8", "#1c2023", "the same blue, dark"),
        ("#8bbcf3", "#1c2023", "processing, dark"),
    ):
        ratio = contrast(text, paper)
        print(f"{what:<26} {ratio:4.1f}  {'enough' if ratio >= ENOUGH else 'too little'}")


if __name__ == "__main__":
    main()
