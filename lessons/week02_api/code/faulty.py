"""Three tasks of the shop that fail in different ways."""

from shop import app


class OutOfPaper(Exception):
    """An error of the shop, whose text is written for customers. Its argument is the text."""


class PaperJam(Exception):
    """Another error of the shop. It takes two arguments, but gives its base class only a text."""

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
