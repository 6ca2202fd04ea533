"""Three letters must be sent. The clerk is replaced at one moment. Who gets how many letters?"""

from collections import Counter
from collections.abc import Callable, Iterator

PEOPLE = ("Ann", "Bea", "Cem")


class Desk:
    """What survives the clerk: the notes, and what was taken by the post."""

    def __init__(self) -> None:
        self.notes: set[str] = set()
        self.post: Counter[str] = Counter()

    def open(self) -> list[str]:
        """The people without a note."""
        return [person for person in PEOPLE if person not in self.notes]


def note_then_send(desk: Desk) -> Iterator[None]:
    """Note each letter as sent, and then send it. A clerk can be replaced at each `yield`."""
    for person in desk.open():
        yield
        desk.notes.add(person)
        yield
        desk.post[person] += 1


def send_then_note(desk: Desk) -> Iterator[None]:
    """Send each letter, and then note it as sent."""
    for person in desk.open():
        yield
        desk.post[person] += 1
        yield
        desk.notes.add(person)


def send_all_then_note(desk: Desk) -> Iterator[None]:
    """Send all letters, and then note all of them."""
    people = desk.open()
    for person in people:
        yield
        desk.post[person] += 1
    yield
    desk.notes.update(people)


def worst(clerk: Callable[[Desk], Iterator[None]]) -> tuple[int, int]:
    """Replace the clerk at each moment once. Returns the most letters that are lost, and that are doubled."""
    moments = sum(1 for _ in clerk(Desk()))
    lost = doubled = 0
    for moment in range(moments):
        desk = Desk()
        first = clerk(desk)
        for _ in range(moment + 1):
            next(first)
        for _ in clerk(desk):
            pass
        lost = max(lost, sum(desk.post[person] == 0 for person in PEOPLE))
        doubled = max(doubled, sum(desk.post[person] > 1 for person in PEOPLE))
    return lost, doubled


def main() -> None:
    print(f"{'in the worst case':21}lost   doubled")
    for clerk in (note_then_send, send_all_then_note, send_then_note):
        lost, doubled = worst(clerk)
        print(f"{clerk.__name__:21}{lost:<7}{doubled}")


if __name__ == "__main__":
    main()
