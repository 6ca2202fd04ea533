"""A browser connects while a report changes. Three orders of reading the rows and listening."""

from collections.abc import Callable, Iterator

Board = dict[str, str]
Steps = Iterator[None]
"""A browser that connects. It stops at each `yield`, and anything can happen there."""


class Server:
    """The rows of the reports, and those who listen to their changes."""

    def __init__(self) -> None:
        self.rows: Board = {"a.pdf": "processing"}
        self.listeners: list[list[Board]] = []

    def complete(self) -> None:
        self.rows = {"a.pdf": "completed"}
        for waiting in self.listeners:
            waiting.append(dict(self.rows))

    def listen(self) -> list[Board]:
        waiting: list[Board] = []
        self.listeners.append(waiting)
        return waiting


def read_then_listen(server: Server, board: Board) -> Steps:
    board.update(server.rows)
    yield
    waiting = server.listen()
    yield
    for change in waiting:
        board.update(change)


def only_listen(server: Server, board: Board) -> Steps:
    yield
    waiting = server.listen()
    yield
    for change in waiting:
        board.update(change)


def listen_then_read(server: Server, board: Board) -> Steps:
    """Miss no change: each one is either in the rows, or it waits in the list, or both."""
    waiting = server.listen()
    yield
    board.update(server.rows)
    yield
    for change in waiting:
        board.update(change)


def seen(connect: Callable[[Server, Board], Steps], changes_at: int) -> str:
    """What the board says in the end, if the report is completed before this step."""
    server, board = Server(), Board()
    steps = connect(server, board)
    for step in range(3):
        if step == changes_at:
            server.complete()
        next(steps, None)
    return board.get("a.pdf", "nothing")


def main() -> None:
    for connect in (read_then_listen, only_listen, listen_then_read):
        found = [seen(connect, changes_at) for changes_at in range(3)]
        print(f"{connect.__name__ + ':':<18}", ", ".join(found))


if __name__ == "__main__":
    main()
