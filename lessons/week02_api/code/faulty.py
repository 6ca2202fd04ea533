"""Tasks of the shop that fail, each in its own way."""

from shop import app


class OutOfPaper(Exception):
    """One of our own: its text is written for customers. It takes one message and hands it on."""


class PaperJam(Exception):
    """One of our own, too, but it takes something else than it hands on."""

    def __init__(self, tray: int, sheet: str) -> None:
        super().__init__(f"A sheet of {sheet} is stuck in tray {tray}.")


@app.task(name="shop.print_large")
def print_large() -> None:
    raise OutOfPaper("We have no paper of this size. Choose a smaller one.")


@app.task(name="shop.print_small")
def print_small() -> None:
    raise PaperJam(2, "A6")


@app.task(name="shop.bill")
def bill() -> None:
    raise ConnectionError("postgresql://shop:hunter2@10.0.0.7/bills does not answer")
