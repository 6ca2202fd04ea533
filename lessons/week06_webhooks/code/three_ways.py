"""Three hundred films are developed in a day. How do their owners learn that theirs is ready?

Nobody waits: a second is a number here.
"""

import random

FILMS = 300
SHORTEST, LONGEST = 10 * 60, 60 * 60
"""How long a film takes. Seconds."""
PAUSES = (2, 60, 600)
"""How long an owner waits between two questions. Seconds."""
ON_ITS_WAY = 1
"""How long a postcard takes. Seconds."""
SEED = 6


def polling(films: list[float], pause: int) -> tuple[int, float]:
    """How often all owners asked, and how long after its film an owner knew, on average."""
    asked = [int(ready // pause) + 1 for ready in films]
    late = [count * pause - ready for count, ready in zip(asked, films, strict=True)]
    return sum(asked), sum(late) / len(films)


def main() -> None:
    chance = random.Random(SEED)  # noqa: S311
    films = [chance.uniform(SHORTEST, LONGEST) for _ in range(FILMS)]
    for pause in PAUSES:
        asked, late = polling(films, pause)
        print(f"ask every {pause:>3} s: {asked:>7,} requests, known {late:>4.0f} s later")
    print(f"a postcard:      {FILMS:>7,} requests, known {ON_ITS_WAY:>4} s later")


if __name__ == "__main__":
    main()
