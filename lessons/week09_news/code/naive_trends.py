"""Which words are new today? Two simple answers, on the articles of a harbour town."""

from typing import NamedTuple

TODAY, BEFORE = 200, 4000
"""How many articles there are today, and in the days before."""


class Word(NamedTuple):
    """In how many articles a word occurs, today and before."""

    word: str
    today: int
    before: int


WORDS = (
    Word("harbour", 120, 2380),
    Word("monday", 50, 700),
    Word("dredging", 24, 40),
    Word("ferry", 30, 260),
    Word("kraken", 2, 0),
    Word("pilchard", 1, 0),
)


def by_count(word: Word) -> float:
    """In how many articles the word occurs today."""
    return word.today


def by_ratio(word: Word) -> float:
    """How many times more frequent the word is today. A word that is new is infinitely more frequent."""
    share_before = word.before / BEFORE
    return (word.today / TODAY) / share_before if share_before else float("inf")


def main() -> None:
    for score in (by_count, by_ratio):
        ordered = sorted(WORDS, key=lambda word: (-score(word), word.word))
        print(
            f"{score.__name__ + ':':10}{', '.join(f'{w.word} {score(w):.3g}' for w in ordered[:4])}"
        )


if __name__ == "__main__":
    main()
