"""Five overdue files, of which the first one is broken. Three ways to work through the list."""

from collections.abc import Callable

FILES = ["broken", "lease.pdf", "will.pdf", "deed.pdf", "brief.pdf"]


def send(name: str) -> None:
    """Send the message of a file. The broken one has a value that no code expects."""
    if name == "broken":
        raise KeyError("kind")


def stop_at_an_error(names: list[str]) -> list[str]:
    """Handle the files in order. The first error ends the round."""
    handled = []
    try:
        for name in names:
            send(name)
            handled.append(name)
    except KeyError:
        pass  # the next round begins with the same file
    return handled


def go_on(names: list[str]) -> list[str]:
    """Handle the files in order. An error concerns one file alone."""
    handled = []
    for name in names:
        try:
            send(name)
        except KeyError:
            continue
        handled.append(name)
    return handled


def rounds(way: Callable[[list[str]], list[str]], count: int) -> list[str]:
    """Work through the list several times. Returns the files that are left."""
    left = list(FILES)
    for _ in range(count):
        done = way(left)
        left = [name for name in left if name not in done]
    return left


def main() -> None:
    for way in (stop_at_an_error, go_on):
        print(f"{way.__name__}: after 100 rounds there are left {', '.join(rounds(way, 100))}")


if __name__ == "__main__":
    main()
