"""A courier comes back with the parcel. Go again tomorrow, or not? Two ways to decide."""

from collections.abc import Callable


class ParcelError(Exception):
    """The depot's own: it says itself whether to go again."""

    passes = False


class RoadClosed(ParcelError):
    passes = True


class NoSuchStreet(ParcelError):
    pass


class Note(Exception):
    """What a house answers: a number, and sometimes a word."""

    def __init__(self, number: int, word: str = "") -> None:
        super().__init__(number, word)
        self.number = number
        self.word = word


BACK_SOON = {1: "nobody home", 2: "not now, please"}
DUTY = "duty"
"""The word of a house that says "not now" until somebody has paid the customs duty."""


def go_again_always(error: Exception) -> bool:
    """Whatever it was, tomorrow is another day."""
    return True


def go_again(error: Exception) -> bool:
    """Whether the same parcel may be taken at the same door tomorrow, with nothing changed."""
    match error:
        case ParcelError():
            return error.passes
        case Note(word=word) if word == DUTY:
            return False
        case Note(number=number):
            return number in BACK_SOON
        case TimeoutError() | ConnectionError():
            return True
    return False  # nobody has thought of it: a person looks


REASONS: dict[str, tuple[Exception, bool]] = {
    "nobody home": (Note(1), True),
    "not now": (Note(2), True),
    "not now: duty is due": (Note(2, DUTY), False),
    "refused": (Note(3), False),
    "road closed": (RoadClosed(), True),
    "no such street": (NoSuchStreet(), False),
    "the phone is dead": (ConnectionError(), True),
    "a bug in our list": (KeyError("street"), False),
}
"""Why a courier came back, and whether it would have passed by itself."""
TRIES = 8
"""A parcel that is brought in vain is brought so often."""


def walks_in_vain(decide: Callable[[Exception], bool], error: Exception, passes: bool) -> int:
    """How often a courier goes again for nothing."""
    return TRIES - 1 if decide(error) and not passes else 0


def main() -> None:
    for decide in (go_again_always, go_again):
        delivered = sum(passes and decide(error) for error, passes in REASONS.values())
        in_vain = sum(walks_in_vain(decide, error, passes) for error, passes in REASONS.values())
        walks = len(REASONS) + delivered + in_vain
        print(
            f"{decide.__name__ + ':':<16} {delivered} delivered, {walks} walks, {in_vain} in vain"
        )


if __name__ == "__main__":
    main()
