"""A log of the newest changes. It says when a reader can resume, and when it cannot."""

from collections import deque


class Log:
    """The newest `keep` changes, each with a number. The first change has the number 1."""

    def __init__(self, keep: int) -> None:
        self.newest = 0
        self.kept: deque[tuple[int, str]] = deque(maxlen=keep)

    def add(self, text: str) -> None:
        self.newest += 1
        self.kept.append((self.newest, text))

    def can_resume(self, last: int) -> bool:
        """Return whether the log still has every change after number `last`."""
        if last > self.newest:
            return False  # another process counted to this number, before a restart
        lost = self.newest - len(self.kept)  # the newest number that is no longer in the log
        return last >= lost


def main() -> None:
    log = Log(keep=3)
    for text in ("one", "two", "three", "four", "five"):
        log.add(text)
    print("kept:", [number for number, _ in log.kept])
    for last in (5, 4, 2, 1, 9):
        print(f"last id {last}:", "resume" if log.can_resume(last) else "snapshot")


if __name__ == "__main__":
    main()
